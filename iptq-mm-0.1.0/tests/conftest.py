import importlib.util
import os
import random
import textwrap
from pathlib import Path

# Two workers with two threads each wait for one another.
if 'PYTEST_XDIST_WORKER' in os.environ:
    os.environ.setdefault('OMP_NUM_THREADS', '1')

import numpy as np
import pytest
import torch
from hypothesis import settings
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

from iptq_mm.ops import native

settings.register_profile('no_deadlines', deadline=None)
settings.load_profile('no_deadlines')  # the machine may have other work

ROOT = Path(__file__).parents[1]
SHAPES = ROOT / 'configs' / 'iptq_swin_nano_maskrcnn_shapes.py'
WEIGHTS = ROOT / 'iptq_mm' / 'assets' / 'mask-rcnn_swin-nano_shapes.pth'
FEW = {
    'test_dataloader.dataset.num_images': 6,
    'test_dataloader.num_workers': 0,
    'test_dataloader.persistent_workers': False,
    'custom_hooks.0.calib_dataloader.dataset.num_images': 8,
    'custom_hooks.0.calib_dataloader.num_workers': 0,
    'custom_hooks.0.num_batches': 2,
}
"""Options that make a run of the bundled config small."""


SHARED = (DefaultScope, MessageHub, MMLogger, Visualizer)
"""What mmengine keeps by name, the newest for whoever asks for none."""

AT_FIRST = {cls: cls._instance_dict.copy() for cls in SHARED}
"""Taken before any fixture: those of a module run before ``isolated``."""


def forget_instances():
    """Leave mmengine with the shared instances that it had at first."""
    for cls, instances in AT_FIRST.items():
        cls._instance_dict.clear()
        cls._instance_dict.update(instances)


@pytest.fixture(autouse=True)
def isolated():
    """Every test begins alike, whatever ran before, and leaves nothing that
    is global behind."""
    environment, folder = os.environ.copy(), os.getcwd()
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    isa = native.isa() if native.available() else None
    forget_instances()
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    yield
    forget_instances()
    if os.environ != environment:
        os.environ.clear()
        os.environ.update(environment)
    os.chdir(folder)
    torch.set_num_threads(threads)
    torch.set_default_dtype(dtype)
    if isa is not None:
        native.set_isa(isa)


@pytest.fixture(scope='session')
def configs():
    """The folder of the project's configs."""
    return ROOT / 'configs'


@pytest.fixture(scope='session')
def tool_module():
    """``tool_module(name)``: ``tools/NAME.py`` as a module."""

    def load(name):
        spec = importlib.util.spec_from_file_location(
            f'tools_{name}', ROOT / 'tools' / f'{name}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope='session')
def tool(tool_module):
    """``tool(name)``: the ``main`` of ``tools/NAME.py``."""
    return lambda name: tool_module(name).main


@pytest.fixture(scope='session')
def data_root():
    """The folder of sample images; tests that need it skip without it."""
    root = Path(os.environ.get('IPTQ_DATA', ROOT / 'data'))
    if not root.is_dir():
        pytest.skip(f'no sample images in {root} (IPTQ_DATA)')
    return root


@pytest.fixture
def coco_config(tmp_path):
    """A config file on a COCO data set whose files do not exist yet, and the
    folder where it looks for them."""
    root = tmp_path / 'images'
    path = tmp_path / 'config.py'
    path.write_text(
        textwrap.dedent(f'''
        data_root = '{root}/'
        dataset = dict(
            type='CocoDataset', data_root=data_root, ann_file='val.json',
            data_prefix=dict(img='val/'))
        model = dict(type='MaskRCNN', backbone=dict(type='SwinTransformer'))
        test_dataloader = dict(batch_size=1, dataset=dataset)
        test_evaluator = dict(
            type='CocoMetric', ann_file=data_root + 'val.json')
        custom_hooks = [
            dict(type='NumClassCheckHook'),
            dict(
                type='iptq_mm.PTQHook',
                num_batches=2,
                calib_dataloader=dict(
                    batch_size=2,
                    dataset=dict(
                        type='RepeatDataset', times=2, dataset=dict(
                            type='CocoDataset', data_root=data_root,
                            ann_file='train.json',
                            data_prefix=dict(img='train/')))))
        ]
    '''))
    return path, root


@pytest.fixture(scope='session')
def saved(tmp_path_factory):
    """The work dir of a small run of tools/ptq.py on the bundled config."""
    from iptq_mm.engine.inputs.options import PTQOptions
    from iptq_mm.engine.ptq import run_ptq
    work_dir = tmp_path_factory.mktemp('saved')
    run_ptq(
        PTQOptions(
            str(SHAPES), work_dir=str(work_dir), cfg_options=FEW,
            device='cpu'))
    return work_dir
