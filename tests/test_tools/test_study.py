"""``tools/study.py`` on a detector of four blocks, random weights."""
import importlib.util
import json

import pytest
from conftest import ROOT

from iptq_mm.engine import study
from iptq_mm.evaluation.families import FAMILIES

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
def tool():
    spec = importlib.util.spec_from_file_location(
        'study', ROOT / 'tools' / 'study.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def test_a_setting_is_measured_and_kept(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, 'PRICES', (0., ))
    path = tmp_path / 'new' / 'study.json'
    assert tool([
        '--json', str(path), 'measure', 'small', SHAPES, '--seeds', '2',
        '--num-search', '1', '--num-val', '2', '--num-random', '3',
        '--work-dir', str(tmp_path), '--cfg-options', *SMALL]) == 0
    found = json.loads(path.read_text())['settings']['small']
    assert {'float', 'default', 'metric_paper', *FAMILIES} == set(
        found['families'])
    for name in ('default', *FAMILIES):
        assert found['families'][name]['int_ops']['mean'] > 0
        assert 0 <= found['gap_db'][name] <= found['below_best_db'][name]
    assert set(found['fit']) == {'layer', 'model', 'published'}
    assert found['front'][-1]['sqnr_db'] >= max(found['sqnr_db'].values())

    assert tool(['--json', str(path), 'table']) == 0
    assert '### small' in capsys.readouterr().out


@pytest.mark.parametrize('text, message', [
    (None, 'measure something first'), ('{}', 'holds no settings'),
    ('[', 'holds no settings')])
def test_no_study(tool, tmp_path, capsys, text, message):
    path = tmp_path / 'study.json'
    if text is not None:
        path.write_text(text)
    assert tool(['--json', str(path), 'table']) == 1
    assert message in capsys.readouterr().err
