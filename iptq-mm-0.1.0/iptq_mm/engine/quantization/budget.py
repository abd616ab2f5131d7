"""Weights of 8 and of 4 bits, so that a model has so many bytes."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from ...assignment.normalization import Measures
from ...assignment.widths import choose_narrow
from ...functions.base import Candidate
from ...lowering import lowering_of
from ...lowering.rounding.recorded import Recorded, with_widths
from ...lowering.rounding.rounding import Roundings
from ..artifact.int_model import stored_bytes
from ..errors import UserError

NARROW, WIDE = 4, 8


@dataclass(frozen=True)
class Part:
    """A part of a model that is lowered by itself.

    Args:
        module (nn.Module): Float.
        thresholds (Mapping[str, float]): Of its sites.
        functions (Mapping[str, Candidate]): Of its non-linear layers.
        bits (Mapping[str, int]): Widths of all but the weights.
        roundings (Recorded): Of its weights, by which widths are chosen.
        final (Callable): Gives the roundings of the part that is kept;
            None: the same.
    """
    module: nn.Module
    thresholds: Mapping[str, float]
    functions: Mapping[str, Candidate]
    bits: Mapping[str, int]
    roundings: Recorded
    final: Callable[[], Roundings] | None = None

    def lower(self, weight: int, roundings: Roundings) -> nn.Module:
        """The integer part with weights of that width, all but the first and
        last layers."""
        lowering = lowering_of(self.module, {**self.bits, 'weight': weight})
        return lowering.lower(self.thresholds, self.functions, roundings)


Reading = Callable[[Part], dict[str, tuple[Measures, Measures]]]
"""``reading(part)``: Q, P and C of every layer that has a choice, narrow and
wide, of a part that has been lowered at both widths."""


def at_the_layer(part: Part) -> dict[str, tuple[Measures, Measures]]:
    """A ``Reading``: Q and P at the output of the layer itself."""
    measures = part.roundings.measures
    return {
        layer: (measures[layer, NARROW], measures[layer, WIDE])
        for layer, bits in measures if bits == NARROW
    }


def lower_within(parts: Mapping[str, Part], budget: float,
                 reading: Reading) -> tuple[dict[str, nn.Module],
                                            dict[str, int]]:
    """Lower parts so that together they have at most so many bytes.

    Args:
        parts (Mapping[str, Part]): By name.
        budget (float): Bytes of all their integers, as they are stored.
        reading (Reading): What the layers are judged by.

    Returns:
        tuple[dict[str, nn.Module], dict[str, int]]: The integer parts by
        name, and the width of each layer that had a choice, by ``PART/LAYER``.

    Raises:
        UserError: If it is too small for weights of 4 bits.
    """
    sizes = {
        bits: sum(stored_bytes(part.lower(bits, part.roundings).state_dict())
                  for part in parts.values())
        for bits in (WIDE, NARROW)
    }
    if budget < sizes[NARROW]:
        raise _too_small(parts, budget, sizes[NARROW])
    measures = {
        f'{name}/{layer}': both
        for name, part in parts.items()
        for layer, both in reading(part).items()
    }
    narrow = {layer: both[0] for layer, both in measures.items()}
    wide = {layer: both[1] for layer, both in measures.items()}
    allowed = budget
    while True:
        chosen = choose_narrow(narrow, wide, sizes[WIDE] - allowed)
        widths = {
            layer: NARROW if layer in chosen else WIDE for layer in narrow
        }
        lowered = _lowered(parts, widths)
        # Other integers than those that were weighed may be wider: a bias.
        above = sum(stored_bytes(part.state_dict())
                    for part in lowered.values()) - budget
        if above <= 0:
            return lowered, widths
        if WIDE not in widths.values():
            raise _too_small(parts, budget, budget + above)
        allowed -= above


def _lowered(parts: Mapping[str, Part],
             widths: Mapping[str, int]) -> dict[str, nn.Module]:
    """The parts with weights of given widths, by ``PART/LAYER``."""
    return {
        name: part.lower(WIDE, with_widths(
            part.final() if part.final else part.roundings, {
                layer.removeprefix(f'{name}/'): width
                for layer, width in widths.items()
                if layer.startswith(f'{name}/')
            }))
        for name, part in parts.items()
    }


def _too_small(parts: Mapping[str, Part], budget: float,
               least: float) -> UserError:
    return UserError(
        f'budget_mb leaves {budget / 1e6:.2f} MB to {", ".join(parts)}, '
        f'which take {least / 1e6:.2f} MB with all weights of {NARROW} bits. '
        f'Allow for more.')
