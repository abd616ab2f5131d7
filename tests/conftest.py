import os
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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
