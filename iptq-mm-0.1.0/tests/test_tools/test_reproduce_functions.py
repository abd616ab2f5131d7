"""``tools/reproduce.py functions`` on four blocks with random weights."""
import json

import pytest

from iptq_mm.evaluation.families import FAMILIES
from iptq_mm.experiments import search

from conftest import ROOT

SHAPES = str(ROOT / 'configs' / 'iptq_swin_nano_maskrcnn_shapes.py')
SMALL = [
    'load_from=None', 'model.backbone.depths=[1,1,1,1]',
    'test_dataloader.dataset.num_images=2',
    'test_dataloader.dataset.pipeline.1.scale=(64,64)',
    'test_dataloader.num_workers=0',
    'test_dataloader.persistent_workers=False',
    'custom_hooks.0.num_batches=2',
    'custom_hooks.0.calib_dataloader.dataset.num_images=3',
    'custom_hooks.0.calib_dataloader.dataset.pipeline.1.scale=(64,64)',
    'custom_hooks.0.calib_dataloader.num_workers=0'
]


@pytest.fixture(scope='module')
def reproduce(tool):
    return tool('reproduce')


def test_a_setting_is_measured_and_kept(reproduce, tmp_path, monkeypatch):
    monkeypatch.setattr(search, 'PRICES', (0., ))
    path = tmp_path / 'new' / 'study.json'
    assert reproduce([
        '--json', str(path), 'functions', SHAPES, '--name', 'small',
        '--seeds', '2', '--num-search', '1', '--num-val', '2',
        '--num-random', '3',
        '--work-dir', str(tmp_path), '--cfg-options', *SMALL]) == 0
    found = json.loads(path.read_text())['tables']['functions']['small']
    assert {'float', 'default', 'metric_paper', *FAMILIES} == set(
        found['families'])
    for name in ('default', *FAMILIES):
        assert found['families'][name]['int_ops']['mean'] > 0
        assert 0 <= found['gap_db'][name] <= found['below_best_db'][name]
    assert set(found['fit']) == {'layer', 'model', 'published'}
    assert found['front'][-1]['sqnr_db'] >= max(found['sqnr_db'].values())

    pages = tmp_path / 'pages'
    pages.mkdir()
    assert reproduce(['--json', str(path), 'page', str(pages)]) == 0
    assert '### small' in (pages / 'study_functions.md').read_text()
