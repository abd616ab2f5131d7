"""The bundled checkpoints: small, plain, and of the bundled configs."""

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config

from conftest import ROOT

NAMES = ('shapes', 'nuclei')
CLASSIFIERS = ('vit-nano_shapes', 'swin-nano_cifar10', 'vit-nano_cifar10',
               'deit-nano_cifar10')


def asset(name):
    return ROOT / f'iptq_mm/assets/mask-rcnn_swin-nano_{name}.pth'


@pytest.mark.parametrize('name', NAMES)
def test_it_is_at_most_six_megabytes(name):
    assert asset(name).stat().st_size <= 6_000_000


@pytest.mark.parametrize('name', NAMES)
def test_it_fits_the_config_and_loads_without_pickle(name):
    register_all_modules()
    config = Config.fromfile(
        ROOT / f'configs/train/mask-rcnn_swin-nano_{name}.py')
    checkpoint = torch.load(asset(name), weights_only=True)
    MODELS.build(config.model).load_state_dict(checkpoint['state_dict'])
    heads = config.model.roi_head
    classes = checkpoint['meta']['dataset_meta']['classes']
    assert len(classes) == heads.bbox_head.num_classes


@pytest.mark.parametrize('name', NAMES)
def test_the_weights_are_finite(name):
    weights = torch.load(asset(name), weights_only=True)['state_dict']
    for key, value in weights.items():
        assert value.isfinite().all(), key


@pytest.mark.parametrize('name', CLASSIFIERS)
def test_a_classifier_fits_its_config(name):
    path = ROOT / f'iptq_mm/assets/{name}.pth'
    assert path.stat().st_size <= 4_000_000
    checkpoint = torch.load(path, weights_only=True)
    config = Config.fromfile(ROOT / f'configs/train/{name}.py')
    MODELS.build(config.model).load_state_dict(checkpoint['state_dict'])
    classes = checkpoint['meta']['dataset_meta']['classes']
    assert len(classes) == config.model.options.num_classes
    for key, value in checkpoint['state_dict'].items():
        assert value.isfinite().all(), key
