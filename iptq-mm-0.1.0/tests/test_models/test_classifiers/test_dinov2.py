"""The real ViT-S of an installed package."""
import pytest
import torch

from iptq_mm.models import focus_dinov2
from iptq_mm.models.classifiers.dinov2 import find_onnx, read_weights
from iptq_mm.models.classifiers.weights import WeightsUnavailableError


@pytest.fixture(scope='module')
def path():
    try:
        return find_onnx()
    except WeightsUnavailableError as error:
        pytest.skip(str(error))


def test_the_package_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(WeightsUnavailableError, match=r'\.\[dinov2\]'):
        find_onnx()


def test_every_weight_is_a_trained_one(path):
    weights = read_weights(path, 112)
    network = focus_dinov2(112)
    assert weights.keys() == network.state_dict().keys()
    assert weights['pos_embed'].shape == (1, 65, 384)
    for name, tensor in weights.items():
        assert tensor.dtype == torch.float32, name
        assert tensor.std() > 0, name


def test_at_its_own_size_positions_are_not_resampled(path):
    positions = read_weights(path, 518)['pos_embed']
    assert positions.shape == (1, 37 * 37 + 1, 384)
    smaller = read_weights(path, 112)['pos_embed']
    assert torch.equal(positions[:, :1], smaller[:, :1])  # the class token


@torch.no_grad()
def test_a_probe_reads_the_class_token(path, tmp_path):
    torch.manual_seed(0)
    probe = dict(weight=torch.randn(3, 384), bias=torch.randn(3))
    torch.save(probe, tmp_path / 'probe.pth')
    image = torch.randn(1, 3, 28, 28)
    features = focus_dinov2(28)(image)
    assert features.shape == (1, 384)
    torch.testing.assert_close(
        focus_dinov2(28, str(tmp_path / 'probe.pth'))(image),
        features @ probe['weight'].T + probe['bias'])
