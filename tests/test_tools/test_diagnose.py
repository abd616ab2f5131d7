"""``tools/diagnose.py`` on runs with a fault each."""
import json

import pytest
import torch

from conftest import ROOT

CONFIG = str(ROOT / 'configs' / 'iptq_vit_nano_shapes.py')
WEIGHTS = ROOT / 'iptq_mm' / 'assets' / 'vit-nano_shapes.pth'


TEST_IMAGES = 32


@pytest.fixture
def run_of(tool, tmp_path):
    """The work dir of a run with some options."""

    def run(*options, calib=16):
        work_dir = tmp_path / 'run'
        assert tool('ptq')([
            CONFIG, '--work-dir', str(work_dir), '--num-calib', str(calib),
            '--cfg-options',
            f'test_dataloader.dataset.num_images={TEST_IMAGES}',
            'test_dataloader.num_workers=0',
            'test_dataloader.persistent_workers=False',
            'custom_hooks.0.calib_dataloader.num_workers=0', *options
        ]) == 0
        return work_dir

    return run


@pytest.fixture
def said(tool, capsys):

    def diagnose(*arguments):
        capsys.readouterr()
        assert tool('diagnose')([str(one) for one in arguments]) == 0
        return ' '.join(capsys.readouterr().out.split())

    return diagnose


def test_a_good_run(run_of, said):
    assert 'Nothing stands out.' in said(run_of(calib=32))


def test_several_runs_end_with_one_table(run_of, said, tmp_path):
    work_dir = run_of(calib=1)
    file = tmp_path / 'found.json'
    text = said(work_dir, work_dir, '--json', file)
    assert 'run cause remedy' in text
    assert text.count('run few calibration images custom_hooks.0.num') == 2
    found = json.loads(file.read_text())
    assert [one['causes'][0]['name'] for one in found] == [
        'few calibration images'] * 2


def test_options_that_json_does_not_know(run_of, said):
    assert 'SQNR of the worst output' in said(
        run_of('custom_hooks.0.candidates.gelu=(i_gelu,table_gelu)'))


def test_one_calibration_image(run_of, said):
    assert 'few calibration images: 1 of them' in said(run_of(calib=1))


def test_black_calibration_images(run_of, said, monkeypatch):
    from iptq_mm.datasets import SingleShapesDataset
    work_dir = run_of()
    real = SingleShapesDataset.__getitem__

    def item(self, index):
        found = real(self, index)
        if len(self) != TEST_IMAGES:
            found['inputs'] = torch.zeros_like(found['inputs'])
        return found

    monkeypatch.setattr(SingleShapesDataset, '__getitem__', item)
    assert 'calibration images unlike the test images' in said(work_dir)


def test_channels_that_are_not_equalized(run_of, said, tool, tmp_path):
    hard = tmp_path / 'hard.pth'
    assert tool('harden')(
        [CONFIG, str(WEIGHTS), str(hard), '--factor', '600']) == 0
    work_dir = run_of('custom_hooks.0.equalize=False', f'load_from={hard}')
    text = said(work_dir, '--try')
    table, _, cause = text.partition('channels stand out, ')
    assert cause.startswith('and are not equalized: the largest channel of')
    assert 'custom_hooks.0.equalize=True' in cause
    assert 'custom_hooks.0.observer.type=min_max' in table


def test_a_folder_without_a_run(tool, tmp_path, capsys):
    assert tool('diagnose')([str(tmp_path)]) == 1
    assert 'Run tools/ptq.py' in capsys.readouterr().err


@pytest.mark.parametrize('report', [
    dict(config='x'), dict(options=dict(cfg_options={'a.b': 50})),
    dict(options=dict(cfg_options={'a.b': 'not quoted'}))
])
def test_a_report_of_an_older_version(tool, tmp_path, capsys, report):
    (tmp_path / 'ptq_report.json').write_text(json.dumps(report))
    assert tool('diagnose')([str(tmp_path)]) == 1
    assert 'how it was made' in capsys.readouterr().err
