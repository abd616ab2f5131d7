"""A float model and all that is needed to try functions in it."""
from dataclasses import dataclass
from itertools import islice

from mmengine.runner import Runner

from ...engine.inputs.options import PTQOptions
from ...engine.quantization.images import CalibrationImages
from ...engine.quantization.ptq_hook import PTQHook
from ...engine.quantization.select import Selection
from ...evaluation.integer_functions import OutputSQNR
from ...lowering import lowering_of
from ..setting import Setting
from ..subject import Subject, prepare

SQNR_IMAGES = 8
"""Test batches over which the SQNR of the backbone's outputs is taken."""


@dataclass(frozen=True)
class Calibrated:
    """A float model with the ranges that calibration has found.

    Args:
        runner (Runner): Tests the float model; says nothing while it does.
        hook (PTQHook): As the config has it.
        selection (Selection): What the hook asks for.
        subject (Subject): The backbone, its layers and samples.
        sqnr (OutputSQNR): Of its outputs, on the first test batches.
    """
    runner: Runner
    hook: PTQHook
    selection: Selection
    subject: Subject
    sqnr: OutputSQNR


def calibrate(options: PTQOptions) -> Calibrated:
    """Build and calibrate a float model.

    Raises:
        UserError: For input that cannot be worked with.
    """
    setting = Setting.of(options)
    runner, hook = setting.runner, setting.hook()
    selection = Selection(hook.policy(), hook.fit)
    backbone = runner.model.backbone
    selection.check(lowering_of(backbone, hook.bits).nonlinear_layers())
    subject = prepare(runner, hook, num_search=0)
    images = CalibrationImages(runner.test_dataloader,
                               runner.model.data_preprocessor)
    return Calibrated(runner, hook, selection, subject,
                      OutputSQNR(backbone, list(islice(images, SQNR_IMAGES))))
