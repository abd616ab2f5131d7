"""Options that may help, and what each is worth."""
from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.runner import Runner
from torch import Tensor

from ..quantization.ptq_hook import PTQHook
from ..report.sqnr import backbone_sqnr
from .cause import Cause

WORTH = 1.
"""dB that an option must gain to be named."""


@dataclass(frozen=True)
class Remedy:
    """
    Args:
        cause (str): What is wrong where it helps.
        option (str): As a command line says it.
        settings (dict): Of the hook.
    """
    cause: str
    option: str
    settings: dict[str, Any]

    def applied(self, hook: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a hook (``PTQHook.settings``) with it."""
        result = dict(hook)
        for key, value in self.settings.items():
            if key == 'bits':
                value = {**hook[key], **value}
            elif key == 'num_batches':
                value = max(hook[key], value)
            result[key] = value
        return result


REMEDIES = [
    Remedy('few calibration images', 'custom_hooks.0.num_batches=32',
           dict(num_batches=32)),
    Remedy('channels stand out, and are not equalized',
           'custom_hooks.0.equalize=True', dict(equalize=True)),
    Remedy('ranges reach as far as the farthest outlier',
           'custom_hooks.0.observer.type=mse',
           dict(observer=dict(type='mse'))),
    Remedy('what is large is clipped',
           'custom_hooks.0.observer.type=min_max',
           dict(observer=dict(type='min_max'))),
    Remedy('weights are rounded one by one', 'custom_hooks.0.rounding=gptq',
           dict(rounding='gptq')),
    Remedy('no layer makes up for the errors of those before it',
           'custom_hooks.0.compensate=True', dict(compensate=True)),
    Remedy('weights are too narrow', 'custom_hooks.0.bits.weight=8',
           dict(bits=dict(weight=8))),
    Remedy('activations are too narrow', 'custom_hooks.0.bits.activation=8 '
           'custom_hooks.0.bits.attention=8',
           dict(bits=dict(activation=8, attention=8))),
]
"""In the order in which they are worth trying."""


def remedies(hook: Mapping[str, Any]) -> list[Remedy]:
    """Those that the settings of a hook do not have yet."""
    return [remedy for remedy in REMEDIES if remedy.applied(hook) != hook]


@dataclass(frozen=True)
class Trial:
    """
    Args:
        remedy (Remedy | None): None: the hook as it is.
        sqnr_db (dict[str, float]): Of the integer backbone on test images.
        seconds (float): That it took to quantize.
    """
    remedy: Remedy | None
    sqnr_db: dict[str, float]
    seconds: float

    @property
    def option(self) -> str:
        """As a command line says it."""
        return self.remedy.option if self.remedy else 'as it is'

    @property
    def worst(self) -> float:
        """dB of the worst output."""
        return min(value for name, value in self.sqnr_db.items()
                   if name.startswith('out'))


def quantized(runner: Runner, hook: Mapping[str, Any],
              remedy: Remedy | None, test: Sequence[Tensor]) -> Trial:
    """Quantize the backbone and read its SQNR.

    Args:
        runner (Runner): With the float model, which stays float.
        hook (Mapping): Settings of the ``PTQHook``.
        remedy (Remedy | None): What is changed in them.
        test (Sequence[Tensor]): Normalized test images, [B, C, H, W] each.
    """
    settings = remedy.applied(hook) if remedy else hook
    began = time.perf_counter()
    made = PTQHook(**{**settings, 'scope': 'backbone', 'input': 'normalized'})
    result = made.quantize(runner, progress=lambda *_: None)
    seconds = time.perf_counter() - began
    return Trial(remedy, backbone_sqnr(made.source, result.backbone, test),
                 seconds)


def losses(sqnr_db: Mapping[str, float]) -> dict[str, float]:
    """dB that the SQNR falls at each part of the network, the worst first;
    what comes before everything falls from nowhere."""
    names = [name for name in sqnr_db if not name.startswith('out')]
    drops = {after: sqnr_db[before] - sqnr_db[after]
             for before, after in zip(names, names[1:])}
    return dict(sorted(drops.items(), key=lambda drop: -drop[1]))


def causes_in_trials(trials: Sequence[Trial],
                     known: Sequence[Cause]) -> list[Cause]:
    """Causes whose remedies help and that nothing else has shown, the best
    first.

    Args:
        trials (Sequence[Trial]): The run as it is, then what was tried.
        known (Sequence[Cause]): What is named already.
    """
    now, *others = trials
    names = {cause.name for cause in known}
    return [Cause(trial.remedy.cause,
                  f'the worst output gains {trial.worst - now.worst:.1f} dB '
                  f'without it.', trial.remedy.option)
            for trial in sorted(others, key=lambda trial: -trial.worst)
            if trial.remedy and trial.worst - now.worst >= WORTH
            and trial.remedy.cause not in names]
