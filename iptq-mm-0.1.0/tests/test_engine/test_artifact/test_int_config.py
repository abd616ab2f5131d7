import pytest
from mmengine.config import Config

from iptq_mm.engine.artifact.int_config import int_config, save_int_config
from iptq_mm.engine.artifact.int_model_config import int_model_config
from iptq_mm.engine.inputs.config import load_config

FUNCTIONS = {'norm0': 'i_layernorm', 'stages.0.blocks.0.norm1': 'i_layernorm'}
BITS = dict(weight=8, activation=8, residual=16, output=16)


@pytest.fixture
def saved(coco_config, tmp_path):
    config = load_config(
        coco_config[0], {
            'model.backbone.embed_dims': 32,
            'model.backbone.init_cfg': dict(type='Pretrained'),
            'train_dataloader': dict(batch_size=1),
            'work_dir': '/somewhere'
        })
    path = tmp_path / 'out' / 'int_config.py'
    path.parent.mkdir()
    model = int_model_config(config.model, FUNCTIONS, BITS, 'backbone', None)
    save_int_config(path, int_config(config, model, 'int_model.pth'))
    return path, config


def test_backbone_is_the_integer_one(saved):
    backbone = Config.fromfile(saved[0]).model.backbone
    assert backbone == dict(
        type='iptq_mm.IntSwinTransformer', embed_dims=32,
        functions=FUNCTIONS, bits=BITS)


def test_nothing_is_calibrated_and_the_checkpoint_checked(saved):
    config = Config.fromfile(saved[0])
    assert [hook.type for hook in config.custom_hooks] == [
        'NumClassCheckHook', 'iptq_mm.IntModelCheckHook'
    ]
    assert config.custom_imports.imports == ['iptq_mm']


def test_checkpoint_lies_beside_it_wherever_it_is_moved(saved, tmp_path):
    config = Config.fromfile(saved[0])
    assert config.load_from == str(saved[0].parent / 'int_model.pth')
    moved = tmp_path / 'int_config.py'
    saved[0].rename(moved)
    assert Config.fromfile(moved).load_from == str(tmp_path / 'int_model.pth')


def test_test_data_stays_and_training_goes(saved):
    path, original = saved
    config = Config.fromfile(path)
    assert config.test_dataloader == original.test_dataloader
    assert config.test_evaluator == original.test_evaluator
    assert not {'train_dataloader', 'work_dir'} & set(config)


def test_float_config_is_left_alone(saved):
    assert saved[1].model.backbone.type == 'SwinTransformer'
    assert len(saved[1].custom_hooks) == 2
