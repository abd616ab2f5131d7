import os
import textwrap
from pathlib import Path

import pytest

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


@pytest.fixture(scope='session')
def configs():
    """The folder of the project's configs."""
    return ROOT / 'configs'


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
    from iptq_mm.engine.options import PTQOptions
    from iptq_mm.engine.ptq import run_ptq
    work_dir = tmp_path_factory.mktemp('saved')
    run_ptq(
        PTQOptions(
            str(SHAPES), work_dir=str(work_dir), cfg_options=FEW,
            device='cpu'))
    return work_dir
