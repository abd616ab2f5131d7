"""Float backbone + calibration images -> integer backbone.

The three stages of IPTQ-ViT (arXiv:2511.15369) in order. What a hook, a tool
or a test does with the result is none of its business.
"""
from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from torch import nn

from ...assignment import Choice
from ...calibration import (
    ChannelRange,
    Replacement,
    Sampler,
    SecondMoments,
    Site,
)
from ...lowering import (
    ROUNDINGS,
    centred,
    equalized,
    equalized_attention,
    lowering_of,
    offsets,
    ordered_by_reach,
    watchable,
)
from ...lowering.rounding.recorded import Recorded
from ...lowering.rounding.rounding import Roundings, roundings
from ..errors import UserError
from .budget import NARROW, Part, lower_within
from .calibrate import WIDE, Calibration, thresholds
from .output_error import AtTheOutputs
from .progress import (
    OBSERVING,
    OBSERVING_CHANNELS,
    OBSERVING_MIXED,
    ROUNDING,
    SCORING,
)
from .select import Selection


@dataclass(frozen=True)
class Quantization:
    """An integer backbone, and how it came about.

    Args:
        backbone (nn.Module): The integer backbone, on the CPU.
        choices (dict[str, Choice]): Scores and assigned candidate of each
            non-linear layer.
        seconds (dict[str, float]): ``equalize``, if that was asked for;
            ``observe`` (stage 1: the pass that captures what the candidates
            are scored on) and ``assign`` (fitting and scoring them, stage 2);
            ``calibrate`` (stage 3: the pass that gives the final ranges) and
            ``lower``.
        widths (dict[str, int]): Of the weights of each layer that had a
            choice, by ``backbone/LAYER``; none without a budget.
    """
    backbone: nn.Module
    choices: dict[str, Choice]
    seconds: dict[str, float]
    widths: dict[str, int]

    @property
    def functions(self) -> dict[str, str]:
        """Assigned candidate of each non-linear layer, by name."""
        return {
            layer: choice.assigned.name
            for layer, choice in self.choices.items()
        }


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.) + time.perf_counter() - began


def quantize_backbone(backbone: nn.Module, calibration: Calibration,
                      selection: Selection, bits: Mapping[str, int],
                      rounding: str, equalize: bool, compensate: bool,
                      budget: float | None = None) -> Quantization:
    """Calibrate, assign and lower a backbone, which itself stays as it is.

    Args:
        backbone (nn.Module): Float, stock, in evaluation mode.
        calibration (Calibration): What to show to it.
        selection (Selection): How each non-linear layer gets its candidate.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
        rounding (str): How weights become integers, a name in
            ``iptq_mm.lowering.ROUNDINGS``.
        equalize (bool): Bring the channels of LayerNorm outputs, and of
            queries, keys and values, to like ranges first, and the hidden
            channels of MLPs into the order of their reach, see
            ``iptq_mm/lowering/equalization/``.
        compensate (bool): Round weights in the order of the network, so that
            each layer makes up for the errors of those before it, see
            ``iptq_mm/lowering/transformer/compensation.py``.
        budget (float, optional): Bytes that the integer backbone may have:
            some layers then have weights of 4 bits, and the others of 8,
            whatever ``bits`` says. Defaults to None, no limit.

    Returns:
        Quantization: The integer backbone and its history. The same
        arguments give the same integers.

    Raises:
        TypeError: If the backbone has no integer form.
        UserError: If the images are too few or give NaN or Inf, or a setting
            names what does not exist.
        ValueError: If integers cannot hold what they must.
    """
    backbone = watchable(backbone)
    lowering = lowering_of(backbone, bits)
    selection.check(lowering.nonlinear_layers())
    if rounding not in ROUNDINGS:
        raise UserError(f'there is no rounding {rounding!r}; there are: '
                        f'{", ".join(sorted(ROUNDINGS.module_dict))}.')
    seconds: dict[str, float] = {}
    if equalize:
        with _timed(seconds, 'equalize'):
            # The error of the narrow weights is what there is to avoid.
            width = bits['weight'] if budget is None else NARROW
            backbone = equalized_backbone(
                backbone, {**bits, 'weight': width}, calibration)
        lowering = lowering_of(backbone, bits)
    sites, kinds = lowering.sites(), lowering.nonlinear_layers()
    samplers = {layer: Sampler(seed=calibration.seed) for layer in kinds}
    inputs = {layer: Site(layer, 'input', WIDE) for layer in kinds}
    with _timed(seconds, 'observe'):
        observers = calibration.observers(sites)
        calibration.watch(backbone, {**sites, **inputs}, observers, samplers,
                          OBSERVING)
    with _timed(seconds, 'assign'):
        choices = selection.choose(
            lowering.layers(thresholds(sites, observers)),
            {layer: sampler.rows
             for layer, sampler in samplers.items()},
            partial(calibration.progress, SCORING))
    assigned = {layer: choice.assigned for layer, choice in choices.items()}
    with _timed(seconds, 'calibrate'), Replacement(backbone, assigned):
        observers, linears = calibration.observers(sites), lowering.linears()
        moments = {layer: SecondMoments() for layer in linears}
        calibration.watch(backbone, {**sites, **linears},
                          {**observers, **moments}, {},
                          OBSERVING_MIXED)
    calibration.progress(ROUNDING, 0, 1)
    with _timed(seconds, 'lower'):
        ranges = thresholds(sites, observers)
        widths: dict[str, int] = {}

        def final() -> Roundings:
            """Those of the backbone that is kept; good for one lowering."""
            if compensate:
                return lowering.compensated(
                    rounding, calibration.own_batches(), moments)
            return roundings(rounding, moments)

        if budget is None:
            lowered = lowering.lower(ranges, assigned, final())
        else:
            part = Part(backbone, ranges, assigned, bits,
                        Recorded(rounding, moments), final)
            parts, widths = lower_within({'backbone': part}, budget,
                                         AtTheOutputs(calibration))
            lowered = parts['backbone']
    calibration.progress(ROUNDING, 1, 1)
    return Quantization(lowered, choices, seconds, widths)


def equalized_backbone(backbone: nn.Module, bits: Mapping[str, int],
                       calibration: Calibration) -> nn.Module:
    """A copy of a float backbone with channels of like ranges about zero, and
    those of MLPs in the order of their reach.

    Args:
        backbone (nn.Module): As :func:`quantize_backbone` takes it, watchable.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
        calibration (Calibration): What to show to it.
    """
    lowering = lowering_of(backbone, bits)
    readers, blocks = lowering.readers(), lowering.blocks()
    attentions = [names.attn for names in blocks]
    sites = {name: Site(name, 'output', WIDE) for name in readers}
    sites |= {
        name: Site(f'{name}.qkv', 'output', WIDE) for name in attentions
    }
    sites |= {
        names.gelu: Site(names.gelu, 'input', WIDE) for names in blocks
    }
    channels = {name: ChannelRange() for name in sites}
    calibration.watch(backbone, sites, channels, {}, OBSERVING_CHANNELS)
    shifts = {name: offsets(channels[name].middle) for name in attentions}
    backbone = centred(backbone, shifts)
    for name, shift in shifts.items():
        channels[name] = channels[name].shifted(-shift)
    ranges = {name: channel.largest for name, channel in channels.items()}
    backbone = equalized(backbone, readers, ranges, bits)
    backbone = equalized_attention(backbone, attentions, ranges, bits)
    return ordered_by_reach(
        backbone, blocks,
        {names.gelu: channels[names.gelu].high for names in blocks})
