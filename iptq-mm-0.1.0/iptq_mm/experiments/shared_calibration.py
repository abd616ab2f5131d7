"""One calibration for integer networks of any functions."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..calibration import SecondMoments
from ..engine.quantization.calibrate import Calibration, Progress
from ..engine.quantization.parts import replaced
from ..engine.quantization.ptq_hook import PTQHook
from ..engine.quantization.quantize import equalized_backbone
from ..functions.base import Candidate
from ..lowering import lowering_of, watchable
from ..lowering.rounding.rounding import (
    Rounded,
    Rounding,
    Roundings,
    roundings,
)
from .setting import Setting
from .subject import Subject, prepare


@dataclass(frozen=True)
class SharedCalibration:
    """Two integer networks made of it differ in their functions and in nothing
    else.

    Args:
        subject (Subject): The float network, equalized if the hook says so,
            with the ranges that it had on the calibration images.
        candidates (Mapping[str, Mapping[str, Candidate]]): Fitted instances
            by layer and name.
        roundings (Roundings): Of weights, by what the layers saw.
        bits (Mapping[str, int]): The hook's widths.
    """
    subject: Subject
    candidates: Mapping[str, Mapping[str, Candidate]]
    roundings: Roundings
    bits: Mapping[str, int]

    def lower(self, assignment: Mapping[str, str]) -> nn.Module:
        """The integer network.

        Args:
            assignment (Mapping[str, str]): Candidate by layer.
        """
        lowering = lowering_of(self.subject.backbone, self.bits)
        return lowering.lower(
            self.subject.thresholds, {
                layer: self.candidates[layer][name]
                for layer, name in assignment.items()
            }, self.roundings)


@torch.no_grad()
def calibrate(setting: Setting, hook: PTQHook,
              progress: Progress) -> SharedCalibration:
    """Calibrate the float network of a setting, which stays as it is.

    As ``engine.quantize`` does it, but for stage 3: ranges and moments are
    those of the float network, whatever the functions, and so weights do not
    make up for each other.

    Args:
        setting (Setting): The network.
        hook (PTQHook): Says how to calibrate.
        progress (Progress): Is told which pass over the images is done.

    Raises:
        UserError: If there are too few images, or they give NaN or Inf.
    """
    model, passes = setting.runner.model, 2 + hook.equalize
    calibration = Calibration(
        setting.calibration_images(hook), hook.num_batches, hook.observer,
        hook.seed, lambda *_: None)
    network = watchable(model.backbone)
    if hook.equalize:
        network = equalized_backbone(network, hook.bits, calibration)
        progress('calibrating', 1, passes)
    with replaced(model, backbone=network):
        subject = prepare(setting.runner, hook, num_search=0)
    progress('calibrating', passes - 1, passes)
    linears = subject.lowering.linears()
    moments = {layer: SecondMoments() for layer in linears}
    calibration.watch(subject.backbone, linears, moments, {}, 'moments')
    progress('calibrating', passes, passes)
    return SharedCalibration(
        subject, subject.candidates(hook.fit),
        remembered(roundings(hook.rounding, moments)), hook.bits)


def remembered(roundings: Roundings) -> Roundings:
    """The same roundings, worked out once where weights, scales and width are
    those of the time before."""
    results: dict[tuple[str, int], tuple[Tensor, Tensor, Rounded]] = {}

    def of_layer(layer: str, divisors: Tensor | None = None,
                 columns: Tensor | None = None,
                 gains: Tensor | None = None) -> Rounding:

        def once(weight: Tensor, least_scale: Tensor, bits: int) -> Rounded:
            last = results.get((layer, bits))
            if last is None or not (torch.equal(last[0], weight) and
                                    torch.equal(last[1], least_scale)):
                rounding = roundings(layer, divisors, columns, gains)
                last = weight, least_scale, rounding(weight, least_scale,
                                                     bits)
                results[layer, bits] = last
            return last[2]

        return once

    return of_layer
