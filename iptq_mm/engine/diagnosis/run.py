"""What ``tools/diagnose.py`` does."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.runner import Runner
from rich.progress import track
from torch import Tensor

from ...registry import HOOKS
from ..errors import UserError
from ..inputs.config import ptq_hook_config
from ..inputs.options import PTQOptions, resolve
from ..inputs.runner import build_runner
from ..quantization.calibrate import Calibration
from ..quantization.images import CalibrationImages
from ..quantization.ptq_hook import PTQHook
from ..report.report import read_report
from .cause import Cause
from .certainty import (
    causes_in_channels,
    causes_in_normalization,
    first_batches,
)
from .images import causes_in_images, pixels_of
from .remedies import (
    Trial,
    causes_in_trials,
    losses,
    quantized,
    remedies,
)
from .sites import (
    SeenSite,
    causes_in_ratios,
    causes_in_sites,
    channel_ratios,
    seen_sites,
)

IMAGES = 16
"""Test images that are looked at."""


@dataclass(frozen=True)
class Diagnosis:
    """
    Args:
        run (str): The work dir.
        causes (list[Cause]): Likeliest first.
        losses (dict[str, float]): dB that the SQNR falls at each part of the
            network, the worst first.
        sites (list[SeenSite]): Those that clip most first.
        trials (list[Trial]): The run as it is, then what was tried.
    """
    run: str
    causes: list[Cause]
    losses: dict[str, float]
    sites: list[SeenSite]
    trials: list[Trial]

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return dict(
            run=self.run, losses_db=self.losses,
            causes=[cause._asdict() for cause in self.causes],
            sites=[site._asdict() for site in self.sites],
            trials=[dict(option=trial.option, sqnr_db=trial.sqnr_db,
                         seconds=trial.seconds) for trial in self.trials])


def options_of(folder: Path) -> PTQOptions:
    """The command line of the run that made a work dir.

    Raises:
        UserError: If there is no report that says so.
    """
    report = read_report(folder)
    try:
        return PTQOptions.of_plain(report['options'], str(folder))
    except (KeyError, ValueError, SyntaxError) as error:
        raise UserError(
            f'{folder}/ptq_report.json does not say how it was made: it is of '
            f'an older version. Run tools/ptq.py --work-dir {folder} again.'
        ) from error


def diagnose(folder: Path, try_all: bool) -> Diagnosis:
    """Look for what is wrong with a run.

    Args:
        folder (Path): Work dir of ``tools/ptq.py``.
        try_all (bool): Quantize once for each option that may help.

    Raises:
        UserError: For a run that cannot be repeated.
    """
    options = options_of(folder)
    config = resolve(options)
    hook: PTQHook = HOOKS.build(ptq_hook_config(config))
    runner = build_runner(config, options.device, options.trust_checkpoint)
    runner.logger.setLevel('WARNING')
    network = runner.model.eval().backbone
    batches = first_batches(runner.test_dataloader, IMAGES)
    test = _first(runner, batches)
    calibration = _calibration(runner, hook)

    seen = pixels_of(test)
    causes = causes_in_normalization(runner, batches, seen)
    causes += causes_in_channels(runner, batches)
    causes += causes_in_images(pixels_of(calibration.own_batches()), seen)
    if not hook.equalize:
        causes += causes_in_ratios(channel_ratios(network, test, hook.bits))
    sites = seen_sites(network, calibration, test, hook.bits, hook.equalize)
    causes += causes_in_sites(sites)
    tried = [None, *(remedies(hook.settings) if try_all else [])]
    trials = [quantized(runner, hook.settings, remedy, test)
              for remedy in track(tried, 'quantizing', transient=True)]
    causes += causes_in_trials(trials, causes)
    return Diagnosis(str(folder), causes, losses(trials[0].sqnr_db), sites,
                     trials)


def _calibration(runner: Runner, hook: PTQHook) -> Calibration:
    """As the run calibrated its backbone."""
    loader = runner.build_dataloader(hook.calib_dataloader, hook.seed)
    return Calibration(
        CalibrationImages(loader, runner.model.data_preprocessor),
        hook.num_batches, hook.observer, hook.seed, lambda *_: None)


@torch.no_grad()
def _first(runner: Runner, batches: Sequence[Mapping]) -> list[Tensor]:
    """What the backbone sees of test images, of no more than ``IMAGES``."""
    seen: list[Tensor] = []
    for batch in CalibrationImages(batches, runner.model.data_preprocessor):
        seen.append(batch[:IMAGES - sum(map(len, seen))])
    return seen
