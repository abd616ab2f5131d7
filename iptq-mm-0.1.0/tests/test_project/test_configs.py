"""The detection configs: what they build goes through quantization."""
from functools import partial

import pytest
import torch

from iptq_mm.engine.inputs.config import load_config, ptq_hook_config
from iptq_mm.engine.report.verify import detections, verify_integer
from iptq_mm.registry import HOOKS

from conftest import ROOT
from detectors import SeededImages, batches, hook_on, runner_of
from quantized import sqnr_db

NAMES = sorted(
    path.name for path in (ROOT / 'configs').glob('iptq_swin_*rcnn*.py'))
MILLIONS = {
    'iptq_swin_t_maskrcnn.py': 48,
    'iptq_swin_s_maskrcnn.py': 69,
    'iptq_swin_t_cascade_maskrcnn.py': 86,
    'iptq_swin_s_cascade_maskrcnn.py': 107,
    'iptq_swin_b_cascade_maskrcnn.py': 145
}
"""Parameters of Microsoft's detectors, as their model zoo states them; those
of the project have 3."""


def load(name, **options):
    return load_config(ROOT / 'configs' / name, options)


@pytest.mark.parametrize('name', NAMES)
def test_calibration_sees_training_images_as_a_test_would(name):
    moved = {} if 'shapes' in name else dict(data_root='/moved/')
    config = load(name, **moved)
    hook = ptq_hook_config(config)
    HOOKS.build(dict(hook))
    ours = hook.calib_dataloader.dataset
    theirs = config.test_dataloader.dataset

    def preparation(dataset):
        # Annotations are read by the evaluation alone.
        steps = [step for step in dataset.pipeline
                 if step.type != 'LoadAnnotations']
        return [{key: value for key, value in step.items()
                 if key != 'backend_args'} for step in steps]

    assert preparation(ours) == preparation(theirs)
    assert ours.get('data_root') == theirs.get('data_root')
    assert any(ours.get(key) != theirs.get(key)
               for key in ('ann_file', 'split'))


@pytest.mark.parametrize('name', NAMES)
@torch.no_grad()
def test_detector_has_its_size_and_goes_through(name, **options):
    config = load(name, **options).model
    config.test_cfg.rpn.max_per_img = 20
    config.test_cfg.rcnn.update(score_thr=0., max_per_img=5)
    runner = runner_of(config)
    parameters = sum(p.numel() for p in runner.model.parameters())
    assert round(parameters / 1e6) == MILLIONS.get(name, 3)
    images = SeededImages((64, 64), 1)
    hook = hook_on(images)
    hook.before_test(runner)
    x = next(iter(hook.images))
    assert min(map(sqnr_db, hook.source(x), runner.model.backbone(x))) > 15
    verify_integer(runner.model, partial(detections, runner.model),
                   batches(images))
    assert len(detections(runner.model, next(batches(images)))[0])


def test_swin_b_with_windows_of_twelve():
    test_detector_has_its_size_and_goes_through(
        'iptq_swin_b_cascade_maskrcnn.py',
        **{'model.backbone.window_size': 12})
