"""Options that may help, and what each is worth."""
from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

from mmengine.runner import Runner
from torch import Tensor

from ...models.detectors.swin_backbone import DEFAULT_BITS
from ...registry import HOOKS
from ..quantization.ptq_hook import PTQHook
from ..report.sqnr import backbone_sqnr

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

    def changes(self, hook: Mapping[str, Any]) -> bool:
        """Whether the hook does not have it yet."""
        for key, value in self.settings.items():
            now = hook.get(key, DEFAULTS[key])
            if key == 'bits':
                now = {**DEFAULTS[key], **(now or {})}
                value = {**now, **value}
            if now != value:
                return True
        return False


DEFAULTS = {
    **{name: argument.default
       for name, argument in signature(PTQHook).parameters.items()},
    'bits': DEFAULT_BITS
}
"""Of the hook."""

REMEDIES = [
    Remedy('channels stand out, and are not equalized',
           'custom_hooks.0.equalize=True', dict(equalize=True)),
    Remedy('ranges reach as far as the farthest outlier',
           'custom_hooks.0.observer.type=mse',
           dict(observer=dict(type='mse'))),
    Remedy('what is large is clipped',
           'custom_hooks.0.observer.type=min_max',
           dict(observer=dict(type='min_max'))),
    Remedy('weights are rounded one by one', 'custom_hooks.0.rounding=gptq',
           dict(rounding='gptq', compensate=True)),
    Remedy('weights are too narrow', 'custom_hooks.0.bits.weight=8',
           dict(bits=dict(weight=8))),
    Remedy('activations are too narrow', 'custom_hooks.0.bits.activation=8',
           dict(bits=dict(activation=8, attention=8))),
]
"""In the order in which they are worth trying."""


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
    def worst(self) -> float:
        """dB of the worst output."""
        return min(value for name, value in self.sqnr_db.items()
                   if name.startswith('out'))


def quantized(runner: Runner, hook: Mapping[str, Any],
              remedy: Remedy | None, test: Sequence[Tensor]) -> Trial:
    """Quantize the backbone and read its SQNR.

    Args:
        runner (Runner): With the float model, which stays float.
        hook (Mapping): Config of the ``PTQHook``.
        remedy (Remedy | None): What is changed in it.
        test (Sequence[Tensor]): Normalized test images, [B, C, H, W] each.
    """
    settings = copy.deepcopy(dict(hook))
    settings.update(scope='backbone', input='normalized')
    for key, value in (remedy.settings if remedy else {}).items():
        merged = {**(settings.get(key) or {}), **value} if (
            key == 'bits') else value
        settings[key] = merged
    began = time.perf_counter()
    made = HOOKS.build(settings)
    result = made.quantize(runner)
    seconds = time.perf_counter() - began
    return Trial(remedy, backbone_sqnr(made.source, result.backbone, test),
                 seconds)


def falls(sqnr_db: Mapping[str, float]) -> tuple[str, float]:
    """The part of the network at which the SQNR falls most, and by how many
    dB."""
    names = [name for name in sqnr_db if not name.startswith('out')]
    drops = {after: sqnr_db[before] - sqnr_db[after]
             for before, after in zip(names, names[1:])}
    worst = max(drops, key=lambda name: drops[name], default=names[0])
    return worst, drops.get(worst, 0.)
