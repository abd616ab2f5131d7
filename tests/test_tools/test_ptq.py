"""``tools/ptq.py`` from end to end, on a few generated images."""
import json
import re
from pathlib import Path

import pytest
import torch

from iptq_mm.engine.artifact.int_model import load_int_model
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.inputs.options import PTQOptions, resolve
from iptq_mm.engine.inputs.runner import build_runner
from iptq_mm.engine.ptq import run_ptq

from conftest import FEW, ROOT, SHAPES, WEIGHTS
from stock import python, stock_test


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Options and report of one run on the bundled checkpoint."""
    work_dir = tmp_path_factory.mktemp('run')
    options = PTQOptions(
        config=str(SHAPES),
        work_dir=str(work_dir),
        cfg_options=FEW,
        device='cpu',
        verify_integer=True)
    return work_dir, run_ptq(options)


def test_report_has_every_key(run):
    work_dir, returned = run
    report = json.loads((work_dir / 'ptq_report.json').read_text())
    assert set(report) == {
        'options', 'config', 'checkpoint', 'bits', 'weight_bits', 'float',
        'integer', 'classes', 'integer_only', 'integer_parts',
        'float_parts', 'size_bytes', 'peak_memory_mb', 'seconds',
        'milliseconds', 'images', 'layers', 'sqnr_db', 'versions', 'seed'
    }
    assert report['bits'] == dict(weight=8, activation=8, residual=16)
    assert set(report['seconds']) == {
        'equalize', 'observe', 'assign', 'calibrate', 'lower', 'parts',
        'eval_float', 'eval_integer'
    }
    assert report['integer_only'] is True
    assert report['integer_parts'] == [
        'backbone', 'neck', 'rpn_head', 'roi_head.bbox_head',
        'roi_head.mask_head', 'score_softmax'
    ]
    assert report['float_parts'] == []
    assert report['float'] == returned['float']
    assert report['float'].keys() == report['integer'].keys()
    for metrics in report['classes'].values():
        assert len(metrics) == 7 and 'coco/ring_precision' in metrics
    layer = report['layers'][0]
    assert {'name', 'kind', 'assigned', 'candidates'} <= set(layer)
    assert set(layer['candidates'][layer['assigned']]) == {
        'Q', 'P', 'C', 'omega'
    }


def test_integer_backbone_is_small_and_close(run):
    _, report = run
    size = report['size_bytes']
    assert size['integer'] <= 0.3 * size['float']
    outputs = [report['sqnr_db'][f'out{i}'] for i in range(4)]
    assert min(outputs) > 15
    # The detector finds something, so that comparing mAP means something.
    assert report['float']['coco/segm_mAP'] > 0.3


def test_pictures(run):
    work_dir, _ = run
    names = {path.name for path in (work_dir / 'pictures').iterdir()}
    assert names == {
        'sqnr.png', *(f'detections_{i}.png' for i in range(6)),
        *(f'image_{i}_{model}.jpg' for i in range(6)
          for model in ('float', 'integer'))
    }


def test_the_page_shows_all_of_them(run):
    work_dir, report = run
    page = (work_dir / 'report.html').read_text()
    assert page.count('data:image/jpeg') == 2 * 6
    assert f"{report['integer']['coco/segm_mAP']:.4g}</td>" in page


def test_statistics_go_when_all_is_written(run):
    assert not (run[0] / 'calibration').exists()


def test_stock_test_of_the_artifacts_gives_the_same_metrics(run, tmp_path):
    work_dir, report = run
    metrics = stock_test(work_dir / 'int_config.py',
                         work_dir / 'int_model.pth', tmp_path)
    assert {key: metrics[key] for key in report['integer']} == report[
        'integer']


def integers(work_dir):
    """The digest that a run has logged."""
    log, = work_dir.rglob('*.log')
    digest, = re.findall('SHA-256 of all integers: (.*)', log.read_text())
    return digest


def test_stock_test_with_the_hook_gives_the_same_integers(run, tmp_path):
    work_dir, report = run
    metrics = stock_test(SHAPES, WEIGHTS, tmp_path, '--cfg-options',
                         *(f'{key}={value}' for key, value in FEW.items()))
    assert {key: metrics[key] for key in report['integer']} == report[
        'integer']
    assert integers(work_dir) == integers(tmp_path)


def test_saved_backbone_is_integers_with_plain_meta(run):
    work_dir, report = run
    model = load_int_model(work_dir / 'int_model.pth')
    backbone = [
        value for name, value in model.weights.items()
        if name.startswith('backbone.')
    ]
    assert backbone and not any(t.is_floating_point() for t in backbone)
    assert json.dumps(model.meta)
    assert model.meta['functions'] == json.loads(
        (work_dir / 'assignment.json').read_text())


def test_int_config_refuses_a_foreign_checkpoint(run, tmp_path):
    from mmengine.config import Config
    from mmengine.runner import Runner
    work_dir, _ = run
    config = Config.fromfile(work_dir / 'int_config.py')
    config.work_dir, config.load_from = str(tmp_path), str(WEIGHTS)
    with pytest.raises(UserError, match='no int_model.pth of IPTQ-MM'):
        Runner.from_cfg(config).test()


@pytest.mark.parametrize('damage, says', [
    (lambda c: c['state_dict'].popitem(), r'1 keys of .* do not fit'),
    (lambda c: c['state_dict']['backbone.norm0.weight'].fill_(float('nan')),
     r'values of backbone\.norm0\.weight are NaN'),
    (lambda c: c.update(extra=Path('x')), '--trust-checkpoint'),
])
def test_damaged_checkpoint(tmp_path, damage, says):
    checkpoint = torch.load(WEIGHTS, weights_only=True)
    damage(checkpoint)
    path = tmp_path / 'damaged.pth'
    torch.save(checkpoint, path)
    work_dir = tmp_path / 'work'
    with pytest.raises(UserError, match=says):
        run_ptq(
            PTQOptions(str(SHAPES), str(path), str(work_dir), FEW,
                       device='cpu'))
    assert not list(work_dir.glob('int_*')) + list(work_dir.glob('*.json'))


@pytest.mark.parametrize('changed, says', [
    (dict(num_calib=9), r'has 8 batches, num_batches=9'),
    (dict(num_calib=0), r'--num-calib 0'),
    (dict(checkpoint='gone.pth'), r'gone\.pth.*CHECKPOINT'),
    (dict(work_dir=str(SHAPES / 'below')), r'cannot be written.*--work-dir'),
    (dict(cfg_options={**FEW, 'model.backbone.type': 'ResNet',
                       'model.backbone._delete_': True,
                       'model.backbone.depth': 18}),
     r'backbone of MaskRCNN is a ResNet'),
])
def test_wrong_input(tmp_path, changed, says):
    options = dict(
        config=str(SHAPES), work_dir=str(tmp_path), cfg_options=FEW,
        device='cpu')
    with pytest.raises(UserError, match=says):
        run_ptq(PTQOptions(**{**options, **changed}))


def test_failure_at_the_end_leaves_no_half_written_artifact(
        tmp_path, monkeypatch):

    def die(content, file):
        file.write(b'half of it')
        raise KeyboardInterrupt

    monkeypatch.setattr('torch.save', die)
    with pytest.raises(KeyboardInterrupt):
        run_ptq(
            PTQOptions(str(SHAPES), work_dir=str(tmp_path), device='cpu',
                       cfg_options={
                           **FEW, 'load_from': None,
                           'test_dataloader.dataset.num_images': 1
                       }))
    assert not (tmp_path / 'int_model.pth').exists()
    assert not (tmp_path / 'ptq_report.json').exists()
    assert not list(tmp_path.glob('.*.tmp*'))


def test_random_weights_are_seeded_and_warned_of(tmp_path, capfd):
    options = PTQOptions(
        str(SHAPES), work_dir=str(tmp_path), seed=3,
        cfg_options={**FEW, 'load_from': None})
    models = [
        build_runner(resolve(options), 'cpu', trust=False).model
        for _ in range(2)
    ]
    states = [model.state_dict() for model in models]
    assert all(
        torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert 'the weights are random, seed 3' in capfd.readouterr().out


def test_command_line(tmp_path):
    run = python(ROOT / 'tools' / 'ptq.py', 'gone.py', cwd=tmp_path)
    assert run.returncode == 1
    assert re.fullmatch(r'error: the config gone\.py is not there\..*',
                        run.stderr.strip().splitlines()[-1])
    assert 'Traceback' not in run.stderr
