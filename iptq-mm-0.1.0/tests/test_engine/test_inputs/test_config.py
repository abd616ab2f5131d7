import pytest
from mmengine.config import Config

from iptq_mm.engine.errors import UserError
from iptq_mm.engine.inputs.config import (
    load_config,
    ptq_hook_config,
    without_ptq_hook,
)


def test_missing(tmp_path):
    with pytest.raises(UserError, match='gone.py is not there.*configs/'):
        load_config(tmp_path / 'gone.py')


@pytest.mark.parametrize('text', ['model = dict(', "_base_ = ['gone.py']",
                                  'channels = 1 / 0'])
def test_no_config(tmp_path, text):
    path = tmp_path / 'broken.py'
    path.write_text(text)
    with pytest.raises(UserError, match='broken.py is no config'):
        load_config(path)


def test_data_root_moves_everything_below_it(tmp_path, coco_config):
    path, _ = coco_config
    config = load_config(path, dict(data_root='/elsewhere'))
    hook = ptq_hook_config(config)
    assert config.data_root == '/elsewhere/'
    assert config.test_dataloader.dataset.data_root == '/elsewhere/'
    assert config.test_evaluator.ann_file == '/elsewhere/val.json'
    assert hook.calib_dataloader.dataset.dataset.data_root == '/elsewhere/'
    # What only looks alike stays.
    assert config.test_dataloader.dataset.data_prefix.img == 'val/'


def test_data_root_moves_no_neighbour(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text("data_root = 'data/coco'\n"
                    "inside, beside = 'data/coco/a', 'data/coco_sample/a'\n")
    config = load_config(path, dict(data_root='/x/'))
    assert (config.data_root, config.inside) == ('/x', '/x/a')
    assert config.beside == 'data/coco_sample/a'


def test_other_options_are_merged_after_the_move(coco_config):
    path, _ = coco_config
    config = load_config(
        path, {
            'data_root': '/elsewhere',
            'test_evaluator.ann_file': '/mine.json',
            'custom_hooks.1.num_batches': 7
        })
    assert config.test_evaluator.ann_file == '/mine.json'
    assert ptq_hook_config(config).num_batches == 7


def test_data_root_without_one(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text('model = dict()')
    with pytest.raises(UserError, match='config.py has no data_root'):
        load_config(path, dict(data_root='/x'))


def test_option_that_does_not_fit(coco_config):
    with pytest.raises(UserError, match='custom_hooks.9.seed do not fit'):
        load_config(coco_config[0], {'custom_hooks.9.seed': 1})


def test_no_hook(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text("custom_hooks = [dict(type='NumClassCheckHook')]")
    with pytest.raises(UserError, match='config.py has no PTQHook'):
        ptq_hook_config(Config.fromfile(path))


def test_without_the_hook_the_others_stay(coco_config):
    config = load_config(coco_config[0])
    bare = without_ptq_hook(config)
    assert [hook.type for hook in bare.custom_hooks] == ['NumClassCheckHook']
    assert len(config.custom_hooks) == 2
