"""What ``tools/diagnose.py`` does."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.runner import Runner
from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.utils.data import DataLoader

from ..errors import UserError
from ..inputs.config import ptq_hook_config
from ..inputs.options import PTQOptions, resolve
from ..inputs.runner import build_runner
from ..quantization.images import CalibrationImages
from ..report.report import read_report
from .images import Cause, causes_in_channels, causes_in_images
from .remedies import DEFAULTS, REMEDIES, WORTH, Trial, falls, quantized

IMAGES = 16
"""Test images that are looked at."""


def options_of(folder: Path) -> PTQOptions:
    """The command line of the run that made a work dir.

    Raises:
        UserError: If there is no report that says so.
    """
    report = read_report(folder)
    if 'options' not in report:
        raise UserError(
            f'{folder}/ptq_report.json does not say how it was made: it is of '
            f'an older version. Run tools/ptq.py --work-dir {folder} again.')
    return PTQOptions(**report['options'], work_dir=str(folder))


def diagnose(folder: Path, try_all: bool) -> list[Cause]:
    """Print what is wrong with a run, likeliest first.

    Args:
        folder (Path): Work dir of ``tools/ptq.py``.
        try_all (bool): Quantize once for each option that may help.

    Returns:
        list[Cause]: What was named.

    Raises:
        UserError: For a run that cannot be repeated.
    """
    options, console = options_of(folder), Console()
    config = resolve(options)
    hook = ptq_hook_config(config)
    runner = build_runner(config, options.device, options.trust_checkpoint)
    runner.model.eval()
    test = _shown(runner, runner.test_dataloader, IMAGES)
    loader = runner.build_dataloader(hook.calib_dataloader, hook.seed)
    count = (hook.get('num_batches', DEFAULTS['num_batches'])
             * hook.calib_dataloader.get('batch_size', 1))
    calibration = _shown(runner, loader, count)
    causes = causes_in_channels(runner, IMAGES)
    causes += causes_in_images(calibration, test)
    now = quantized(runner, hook, None, test)
    trials = [now]
    if try_all:
        trials += [quantized(runner, hook, remedy, test)
                   for remedy in REMEDIES if remedy.changes(hook)]
        causes += _named(now, trials[1:])
    layer, drop = falls(now.sqnr_db)
    console.print(
        f'The worst output of the integer backbone has {now.worst:.1f} dB on '
        f'{sum(len(batch) for batch in test)} test images; along the network '
        f'the SQNR falls most at {layer}, by {drop:.1f} dB.')
    if try_all:
        console.print(_table(trials))
    for cause in causes:
        console.print(f'[bold]{cause.name}[/]: {cause.seen} {cause.remedy}')
    if not causes:
        console.print('Nothing stands out.' + (
            '' if try_all else ' --try quantizes once for each option.'))
    return causes


@torch.no_grad()
def _shown(runner: Runner, loader: DataLoader, count: int) -> list[Tensor]:
    """What the backbone sees of so many images, the first ones."""
    batches: list[Tensor] = []
    for batch in CalibrationImages(loader, runner.model.data_preprocessor):
        missing = count - sum(len(shown) for shown in batches)
        if missing <= 0:
            break
        batches.append(batch[:missing])
    return batches


def _named(now: Trial, others: Sequence[Trial]) -> list[Cause]:
    """Causes whose remedies help, the best first."""
    better = sorted((trial for trial in others
                     if trial.worst - now.worst >= WORTH),
                    key=lambda trial: -trial.worst)
    return [Cause(trial.remedy.cause,
                  f'{trial.worst - now.worst:+.1f} dB by', trial.remedy.option)
            for trial in better if trial.remedy]


def _table(trials: Sequence[Trial]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column('option')
    for heading in ('worst output dB', 'gain dB', 'seconds'):
        table.add_column(heading, justify='right')
    for trial in trials:
        table.add_row(
            trial.remedy.option if trial.remedy else 'as it is',
            f'{trial.worst:.1f}', f'{trial.worst - trials[0].worst:+.1f}',
            f'{trial.seconds:.1f}')
    return table
