"""Some of mmdet's own detectors, one of each outcome."""
import pytest
from mmdet.utils import register_all_modules

from iptq_mm.experiments.names import mmdet_names
from iptq_mm.experiments.names.mmdet_names import REFUSED, attempt


@pytest.fixture(autouse=True)
def registered():
    register_all_modules()


@pytest.mark.parametrize('name', ['faster_rcnn', 'retinanet'])
def test_everything_becomes_integer(name):
    assert attempt(name).outcomes == dict(all='works', backbone='works')


@pytest.mark.parametrize('name', ['fcos', 'detr'])
def test_the_backbone_alone(name):
    outcomes = attempt(name).outcomes
    assert outcomes['backbone'] == 'works'
    assert outcomes['all'].startswith(REFUSED)
    assert 'has no integer form' in outcomes['all']


def test_what_mmdet_does_not_run():
    trial = attempt('dcn')
    assert 'cpu' in trial.failure and not trial.outcomes


def test_the_page(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(mmdet_names, 'names', lambda: ['rpn', 'dcn'])
    page = tmp_path / 'supported_detectors.md'
    assert mmdet_names.supported(page)
    assert '1/2 rpn, backbone: works' in capsys.readouterr().out
    text = page.read_text()
    assert 'Of 2 detectors mmdet itself\nruns 1 so on a CPU' in text
    assert '| dcn | ' in text
