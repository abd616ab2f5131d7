import pytest

from iptq_mm.models import TimmClassifier
from iptq_mm.models.classifiers import weights
from iptq_mm.models.classifiers.weights import WeightsUnavailableError


def test_a_hub_out_of_reach_is_asked_once(monkeypatch):
    asked = []

    def unreachable(repository, file):
        asked.append(repository)
        raise ConnectionError

    monkeypatch.setattr(weights, 'try_to_load_from_cache', lambda *_: None)
    monkeypatch.setattr(weights, 'file_exists', unreachable)
    with pytest.raises(WeightsUnavailableError, match='ConnectionError'):
        TimmClassifier('deit_tiny_patch16_224', pretrained=True)
    assert asked == ['timm/deit_tiny_patch16_224.fb_in1k']


@pytest.mark.parametrize('cached', ['model.safetensors', 'pytorch_model.bin'])
def test_weights_in_the_cache_need_no_hub(monkeypatch, cached):
    monkeypatch.setattr(
        weights, 'try_to_load_from_cache',
        lambda repository, file: '/cache/file' if file == cached else None)
    monkeypatch.setattr(
        weights, 'file_exists', lambda *_: pytest.fail('was asked'))
    weights.ask_hub('timm/some')
