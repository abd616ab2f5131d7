import shutil
import time

import numpy as np
import pytest
import torch
from mmdet.apis import inference_detector, init_detector

import iptq_mm
from iptq_mm.datasets import ShapesDataset
from iptq_mm.engine.artifact.int_model import load_int_model
from iptq_mm.engine.errors import UserError
from iptq_mm.guard import integer_only_regions

from conftest import SHAPES


@pytest.fixture(scope='module')
def image():
    """uint8 [H, W, 3], BGR."""
    return ShapesDataset(split='val', num_images=1)[0]['img']


def test_detector_is_ready_and_integer(saved, image):
    began = time.perf_counter()
    model = iptq_mm.load(saved / 'int_config.py')
    seconds = time.perf_counter() - began
    assert seconds < 30  # a calibration takes longer, loading about one
    assert not model.training
    state, stored = model.state_dict(), load_int_model(
        saved / 'int_model.pth').weights
    assert all(torch.equal(state[name], stored[name]) for name in stored)
    with integer_only_regions(model):
        found = inference_detector(model, image).pred_instances
    assert (found.scores > 0.5).any()
    assert set(model.dataset_meta) >= {'classes', 'palette'}


def test_mmdets_own_loader_gives_the_same_detector(saved, image):
    ours = inference_detector(iptq_mm.load(saved / 'int_config.py'), image)
    theirs = inference_detector(
        init_detector(
            str(saved / 'int_config.py'),
            str(saved / 'int_model.pth'),
            device='cpu'), image)
    for name, value in ours.pred_instances.items():
        assert np.array_equal(value.numpy(),
                              theirs.pred_instances[name].numpy())


def test_checkpoint_from_elsewhere(saved, tmp_path):
    config = shutil.copy(saved / 'int_config.py', tmp_path)
    with pytest.raises(UserError, match='int_model.pth is not there'):
        iptq_mm.load(config)
    iptq_mm.load(config, saved / 'int_model.pth')


@pytest.mark.parametrize('text, says', [
    (None, 'gone.py is not there'),
    ('load_from = None', 'describes no integer model.*int_config.py'),
    ('load_from = "SAVED/int_model.pth"', 'describes no integer model'),
    (f'_base_ = ["{SHAPES}"]\nload_from = "SAVED/int_model.pth"',
     'describes no integer model'),
    ('_base_ = ["SAVED/int_config.py"]\n'
     'model = dict(backbone=dict(embed_dims=16))', 'keys of .* do not fit'),
])
def test_configs_that_do_not_do(saved, tmp_path, text, says):
    path = tmp_path / 'gone.py'
    if text is not None:
        path.write_text(text.replace('SAVED', str(saved)) + '\n')
    with pytest.raises(UserError, match=says):
        iptq_mm.load(path)


def test_unknown_device(saved):
    with pytest.raises(UserError, match="device 'tpux' cannot be used"):
        iptq_mm.load(saved / 'int_config.py', device='tpux')
