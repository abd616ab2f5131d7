import pytest
import torch
from torch import nn

from iptq_mm.engine.errors import UserError
from iptq_mm.engine.inputs.config import load_config
from iptq_mm.engine.inputs.preflight import (
    check_backbone,
    check_data,
    check_folder,
    find_checkpoint,
)

FILES = ['val.json', 'train.json', 'val/', 'train/']


def make(root, names):
    root.mkdir()
    for name in names:
        if name.endswith('/'):
            (root / name).mkdir()
        else:
            (root / name).touch()


def test_all_there(coco_config):
    path, root = coco_config
    make(root, FILES)
    check_data(load_config(path))


@pytest.mark.parametrize('missing, says', [
    ('val.json', 'annotation file for test'),
    ('train.json', 'annotation file for calibration'),
    ('val/', 'image folder for test'),
    ('train/', 'image folder for calibration'),
])
def test_one_missing(coco_config, missing, says):
    path, root = coco_config
    make(root, set(FILES) - {missing})
    with pytest.raises(UserError) as error:
        check_data(load_config(path))
    message = str(error.value)
    assert says in message and str(root / missing) in message
    assert '--cfg-options data_root=' in message
    assert 'iptq_swin_nano_maskrcnn_shapes.py' in message


def test_folder_missing(coco_config):
    path, root = coco_config
    config = load_config(path, dict(data_source='https://example.org'))
    with pytest.raises(UserError, match='train.json.*example.org'):
        check_data(config)
    assert not root.exists()


def test_annotations_of_the_evaluator(coco_config):
    path, root = coco_config
    make(root, FILES)
    config = load_config(path, {'test_evaluator.ann_file': '/gone.json'})
    with pytest.raises(UserError, match='the evaluation is not there: /gone'):
        check_data(config)


def test_no_test_dataloader(coco_config):
    path, root = coco_config
    make(root, FILES)
    config = load_config(path, dict(test_dataloader=None))
    with pytest.raises(UserError, match='no test dataloader'):
        check_data(config)


def test_checkpoint_file(coco_config, tmp_path):
    file = tmp_path / 'float.pth'
    config = load_config(coco_config[0], dict(load_from=str(file)))
    with pytest.raises(UserError, match='float.pth.*CHECKPOINT'):
        find_checkpoint(config)
    file.touch()
    assert find_checkpoint(config) == str(file)


def test_no_checkpoint(coco_config):
    assert find_checkpoint(load_config(coco_config[0])) is None


def test_checkpoint_address_is_looked_up_in_the_cache(coco_config, tmp_path,
                                                      monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    address = 'https://example.org/models/swin.pth'
    config = load_config(coco_config[0], dict(load_from=address))
    cached = tmp_path / 'checkpoints' / 'swin.pth'
    with pytest.raises(UserError) as error:
        find_checkpoint(config)
    assert address in str(error.value) and str(cached) in str(error.value)
    assert 'curl' in str(error.value)
    assert 'iptq_swin_nano_maskrcnn_shapes.py' in str(error.value)
    cached.parent.mkdir()
    cached.touch()
    assert find_checkpoint(config) == str(cached)


def test_work_dir_is_made(tmp_path):
    check_folder(tmp_path / 'a' / 'b', '--out-dir')
    assert (tmp_path / 'a' / 'b').is_dir()


def test_work_dir_below_a_file(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(UserError, match='file/b cannot be written.*--out-dir'):
        check_folder(tmp_path / 'file' / 'b', '--out-dir')


def test_work_dir_without_rights(tmp_path, monkeypatch):

    def refuse(**_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('tempfile.TemporaryFile', refuse)
    with pytest.raises(UserError, match='Permission denied'):
        check_folder(tmp_path, '--out-dir')


def test_backbone_that_is_no_swin():
    model = nn.Module()
    model.backbone = nn.Conv2d(3, 8, 3)
    with pytest.raises(UserError, match='Conv2d.*SwinTransformer'):
        check_backbone(model)
