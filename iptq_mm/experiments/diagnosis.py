"""Runs that were spoilt on purpose, diagnosed, and repaired by what was named.
"""
from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from mmengine.config import DictAction
from torch import nn

from ..engine.atomic import atomic_file
from ..engine.diagnosis.run import diagnose
from ..engine.inputs.options import PTQOptions
from ..engine.ptq import run_ptq
from ..evaluation.hard_variant import hardened
from ..evaluation.spiked_variant import spiked
from ..lowering import lowering_of
from ..models.detectors.swin_backbone import DEFAULT_BITS
from .setting import Setting, headline

Change = Callable[[nn.Module, Setting], nn.Module]

HOOK = 'custom_hooks.0.'
PREPROCESSOR = 'model.data_preprocessor.'
SHOWN = f'{HOOK}calib_dataloader.dataset.pipeline'

SPIKE_IMAGES = 16
"""Images on which the spikes are placed."""


def _hard(network: nn.Module, setting: Setting) -> nn.Module:
    readers = lowering_of(network, DEFAULT_BITS).readers()
    return hardened(network, readers, factor=600., share=.05, seed=0)


def _spiked(network: nn.Module, setting: Setting) -> nn.Module:
    blocks = lowering_of(network, DEFAULT_BITS).blocks()
    images = setting.calibration_images(setting.hook())
    return spiked(network, blocks, islice(images, SPIKE_IMAGES), factor=8.)


@dataclass(frozen=True)
class Case:
    """
    Args:
        what (str): What is wrong.
        cause (str): What a diagnosis must name first.
        options (dict): Changes of the config that spoil it.
        network (Callable, optional): Likewise of the float backbone.
        repair (dict, optional): What repairs it, where the named remedy is
            no option.
    """
    what: str
    cause: str
    options: Mapping[str, Any] = field(default_factory=dict)
    network: Change | None = None
    repair: Mapping[str, Any] | None = None


BLACK = dict(type='mmdet.Brightness', min_mag=0., max_mag=0.)


def cases(pipeline: list) -> dict[str, Case]:
    """What is wrong, by the name of its work dir.

    Args:
        pipeline (list): By which calibration images are read.
    """
    return dict(
        hard=Case(
            'channels 600 times as large as others, not equalized',
            'channels stand out, and are not equalized',
            {f'{HOOK}equalize': False}, _hard),
        black=Case(
            'black calibration images',
            'calibration images unlike the test images',
            {SHOWN: [*pipeline[:-1], BLACK, pipeline[-1]]},
            repair={SHOWN: pipeline}),
        channels=Case(
            'red and blue exchanged', 'wrong order of the channels',
            {f'{PREPROCESSOR}bgr_to_rgb': False}),
        normalization=Case(
            'pixels not normalized', 'wrong normalization',
            {f'{PREPROCESSOR}mean': [0.] * 3,
             f'{PREPROCESSOR}std': [1.] * 3}),
        single=Case(
            'one calibration image', 'few calibration images',
            {f'{HOOK}num_batches': 1}),
        outliers=Case(
            'rare outliers, whole ranges kept, activations of 6 bits',
            'ranges reach as far as the farthest outlier',
            {f'{HOOK}observer.type': 'min_max',
             f'{HOOK}bits': dict(activation=6, attention=6)}, _spiked))


def diagnoses(options: PTQOptions, say: Callable[[str], None]
              ) -> dict[str, Any]:
    """Spoil, quantize, diagnose, repair as the diagnosis says, and quantize
    again.

    Args:
        options (PTQOptions): Which detector; its work dir gets one folder a
            case.
        say (Callable): Is told what is being done.

    Returns:
        dict: ``good``, the run that nothing is wrong with, and ``cases``:
        ``what`` is wrong, the ``expected`` cause, and the runs ``spoilt``
        and ``repaired``. Of each run: metrics of ``float`` and ``integer``,
        ``sqnr_db`` of the worst output on test images, and the ``causes``
        that are named, each with what was ``seen`` and the ``remedy``.

    Raises:
        UserError: For input that cannot be worked with.
    """
    folder = Path(options.work_dir or 'work_dirs/diagnosis')
    # Of a whole detector that finds nothing calibration itself complains.
    options = replace(options, cfg_options={
        **options.cfg_options, f'{HOOK}scope': 'backbone'})
    setting = Setting.of(options)
    hook = setting.hook()
    say('nothing is wrong')
    found: dict[str, Any] = dict(
        setting.describe(hook), good=_run(options, folder / 'good', {}),
        cases={})
    for name, case in cases(hook.calib_dataloader['dataset']['pipeline']
                            ).items():
        say(case.what)
        own = options
        if case.network:
            own = replace(own, checkpoint=str(folder / f'{name}.pth'))
            save_changed(setting, case.network, Path(own.checkpoint))
        spoilt = _run(own, folder / name, case.options)
        repair = case.repair or _parsed(spoilt['causes'][0]['remedy'])
        found['cases'][name] = dict(
            what=case.what, expected=case.cause, spoilt=spoilt,
            repaired=_run(own, folder / f'{name}_repaired',
                          {**case.options, **repair}))
    return found


def _run(options: PTQOptions, folder: Path,
         changes: Mapping[str, Any]) -> dict[str, Any]:
    report = run_ptq(replace(
        options, work_dir=str(folder),
        cfg_options={**options.cfg_options, **changes}))
    assert report is not None  # one process
    diagnosis = diagnose(folder, try_all=False)
    return dict(
        float=headline(report['float']), integer=headline(report['integer']),
        sqnr_db=diagnosis.trials[0].worst,
        causes=[cause._asdict() for cause in diagnosis.causes])


def save_changed(setting: Setting, change: Change, path: Path) -> None:
    """Write the float model with a changed backbone.

    Args:
        setting (Setting): Of the model.
        change (Callable): Gives another backbone for its own.
        path (Path): Checkpoint to write.
    """
    model = setting.runner.model
    weights = {
        **model.state_dict(),
        **{f'backbone.{name}': tensor for name, tensor in
           change(model.backbone, setting).state_dict().items()}
    }
    with atomic_file(path) as temporary:
        torch.save(dict(state_dict=weights, meta={}), temporary)


def _parsed(remedy: str) -> dict[str, Any]:
    """``KEY=VALUE ...`` as ``--cfg-options`` has it."""
    parser = ArgumentParser()
    parser.add_argument('options', nargs='+', action=DictAction)
    return parser.parse_args(remedy.split()).options
