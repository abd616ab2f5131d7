import pytest

from iptq_mm.engine.inputs.config import load_config
from iptq_mm.export.graph.resize import resize_of


@pytest.mark.parametrize('name, crop_pct', [
    ('imagenet/iptq_deit_s_imagenet', 0.9), ('iptq_vit_nano_cifar10', 1.)])
def test_of_a_classifier(configs, name, crop_pct):
    assert resize_of(load_config(configs / f'{name}.py')) == dict(
        crop_pct=crop_pct, interpolation='bicubic')


def test_of_a_detector(configs):
    config = load_config(configs / 'iptq_swin_nano_maskrcnn_nuclei.py')
    assert resize_of(config) == dict(scale=[512, 384])
    config.test_dataloader.dataset.pipeline[1].keep_ratio = False
    assert resize_of(config) is None


def test_of_a_network_alone():
    assert resize_of({}) is None
