"""``tools/ptq.py`` with a float neck and float heads, and pixels."""
import json

import pytest

from iptq_mm.engine.artifact.int_model import load_int_model, part_weights
from iptq_mm.engine.inputs.options import PTQOptions
from iptq_mm.engine.ptq import run_ptq

from conftest import FEW, SHAPES
from stock import stock_test


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Work dir and report of one run on the bundled checkpoint."""
    work_dir = tmp_path_factory.mktemp('run')
    options = {
        **FEW, 'custom_hooks.0.scope': 'backbone',
        'custom_hooks.0.input': 'uint8'
    }
    return work_dir, run_ptq(
        PTQOptions(
            str(SHAPES), work_dir=str(work_dir), cfg_options=options,
            device='cpu', verify_integer=True))


def test_report_names_what_is_integer_and_what_float(run):
    work_dir, _ = run
    report = json.loads((work_dir / 'ptq_report.json').read_text())
    assert report['integer_parts'] == ['backbone']
    assert report['float_parts'] == [
        'neck', 'rpn_head', 'roi_head.bbox_head', 'roi_head.mask_head',
        'RoIAlign', 'sigmoid or softmax of scores', 'box decoding', 'NMS',
        'mask pasting'
    ]
    assert report['integer_only'] is True
    assert 'parts' not in report['seconds']


def test_artifact_holds_integers_and_the_float_rest(run):
    work_dir, report = run
    model = load_int_model(work_dir / 'int_model.pth')
    assert model.meta['integer_parts'] == ['backbone']
    integers = part_weights(model.weights, ['backbone'])
    assert 0 < len(integers) < len(model.weights)
    assert not any(t.is_floating_point() for t in integers.values())
    assert report['size_bytes']['integer'] <= 0.3 * report['size_bytes'][
        'float']


def test_it_detects_as_the_float_model_does(run):
    _, report = run
    for metric in ('coco/bbox_mAP', 'coco/segm_mAP'):
        assert report['float'][metric] > 0.3
        assert report['integer'][metric] > report['float'][metric] - 0.05


def test_stock_test_of_the_artifacts_gives_the_same_metrics(run, tmp_path):
    work_dir, report = run
    metrics = stock_test(work_dir / 'int_config.py',
                         work_dir / 'int_model.pth', tmp_path)
    assert {key: metrics[key] for key in report['integer']} == report[
        'integer']
