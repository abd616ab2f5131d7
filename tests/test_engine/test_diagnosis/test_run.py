"""Each of the six made cases, and one that nothing is wrong with."""
import json
from pathlib import Path

import pytest

from iptq_mm.engine.diagnosis.run import diagnose
from iptq_mm.engine.inputs.options import PTQOptions
from iptq_mm.experiments.diagnosis import (
    HOOK,
    Case,
    cases,
    save_changed,
)
from iptq_mm.experiments.setting import Setting

from conftest import SHAPES


@pytest.fixture
def diagnosed(tmp_path):
    """What a diagnosis says of a work dir that a case would have left."""

    def diagnosed(case: Case, try_all=False):
        options = PTQOptions(str(SHAPES), work_dir=str(tmp_path), cfg_options={
            'test_dataloader.num_workers': 0,
            'test_dataloader.persistent_workers': False,
            f'{HOOK}calib_dataloader.num_workers': 0,
            f'{HOOK}num_batches': 8, f'{HOOK}scope': 'backbone',
            **case.options})
        if case.network:
            path = tmp_path / 'changed.pth'
            save_changed(Setting.of(options), case.network, path)
            options = PTQOptions(options.config, str(path), options.work_dir,
                                 options.cfg_options)
        (tmp_path / 'ptq_report.json').write_text(
            json.dumps(dict(options=options.plain())))
        return diagnose(Path(tmp_path), try_all)

    return diagnosed


PIPELINE = [
    dict(type='LoadImageFromNDArray'),
    dict(type='Resize', scale=(288, 288), keep_ratio=True),
    dict(type='PackDetInputs', meta_keys=(
        'img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))
]


@pytest.mark.parametrize('name', cases(PIPELINE))
def test_the_cause_is_named_first(diagnosed, name):
    case = cases(PIPELINE)[name]
    causes = diagnosed(case).causes
    assert causes and causes[0].name == case.cause, causes


def test_nothing_is_wrong(diagnosed):
    found = diagnosed(Case('nothing', 'none'))
    assert found.causes == []
    assert found.trials[0].worst > 30
    assert json.loads(json.dumps(found.plain()))['run'] == found.run
