"""The configs of ImageNet classifiers."""
import pytest
import timm
from timm.data import resolve_data_config

from iptq_mm.engine.errors import UserError
from iptq_mm.engine.inputs.config import load_config, ptq_hook_config
from iptq_mm.engine.inputs.options import PTQOptions, resolve

from conftest import ROOT

CONFIGS = sorted(ROOT.glob('configs/imagenet/*.py'))


def test_there_are_eight():
    assert len(CONFIGS) == 8


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_images_are_cropped_as_the_model_wants(path):
    config = load_config(path)

    def crop(name):
        settings = resolve_data_config(
            pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
        return {
            key: settings[key]
            for key in ('input_size', 'crop_pct', 'crop_mode', 'interpolation')
        }

    wanted = crop(config.model.name)
    assert config.model.name in timm.list_models()
    for loader in (config.test_dataloader,
                   ptq_hook_config(config).calib_dataloader):
        assert crop(loader.dataset.name) == wanted


def test_roots_can_be_moved():
    config = load_config(CONFIGS[0], dict(val_root='/tars/val.tar'))
    assert config.test_dataloader.dataset.data_root == '/tars/val.tar'
    config = load_config(CONFIGS[0], dict(data_root='/imagenet'))
    assert config.test_dataloader.dataset.data_root == '/imagenet/val'
    calibration = ptq_hook_config(config).calib_dataloader
    assert calibration.dataset.data_root == '/imagenet/train'


def test_missing_images_are_named(tmp_path):
    with pytest.raises(UserError, match='imagenet.*image-net.org'):
        resolve(
            PTQOptions(
                config=str(CONFIGS[0]), work_dir=str(tmp_path),
                cfg_options=dict(data_root=str(tmp_path / 'imagenet'))))
