from pathlib import Path

import pytest
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config

CONFIGS = Path(__file__).parents[2] / 'configs'
NAMES = ('shapes', 'nuclei')


def load(name):
    return Config.fromfile(CONFIGS / f'train/mask-rcnn_swin-nano_{name}.py')


@pytest.mark.parametrize('name', NAMES)
def test_the_model_is_small(name):
    register_all_modules()
    model = MODELS.build(load(name).model)
    # Six million bytes of float16 hold three million parameters.
    assert sum(p.numel() for p in model.parameters()) < 2.96e6


@pytest.mark.parametrize('name', NAMES)
def test_the_heads_know_the_classes(name):
    config = load(name)
    dataset = config.val_dataloader.dataset
    if name == 'shapes':
        from iptq_mm.datasets import ShapesDataset
        classes = ShapesDataset.METAINFO['classes']
    else:
        classes = dataset.metainfo.classes
    heads = config.model.roi_head
    assert heads.bbox_head.num_classes == len(classes)
    assert heads.mask_head.num_classes == len(classes)


@pytest.mark.parametrize('name', NAMES)
def test_the_cosine_ends_with_the_training(name):
    config = load(name)
    assert config.param_scheduler[1].T_max == config.train_cfg.max_epochs
    assert config.param_scheduler[1].end == config.train_cfg.max_epochs


def test_the_nuclei_lie_under_the_data_root(monkeypatch):
    monkeypatch.setenv('IPTQ_DATA', '/some/where')
    config = load('nuclei')
    root = '/some/where/nuclei/'
    for loader in (config.train_dataloader, config.val_dataloader):
        assert loader.dataset.data_root == root
    assert config.val_evaluator.ann_file.startswith(root)
