"""2^x by a table of 64 steps an octave, linear in between.

The chord lies at most 1.5e-5 of its value above 2^r. Continuous across
octaves: the last entry is exactly twice the first.
"""
import math

import torch
from torch import Tensor

from iptq_mm.arithmetic import rshift

from ..fixed_point import FRACTION_BITS, to_fixed
from .base import Exponential

REDUCED_RANGE = (0., 1.)
RELATIVE_ERROR = 2**-21
"""3 units of 2^-24 for the argument, the entries and the interpolation."""
OPERATIONS = 15
"""z 1, index 2, weight 1, look-ups 3 with the next index, slope 1,
interpolation 4, shift by -z 3 with its rounding."""

INDEX_BITS = 6
ENTRIES = 2**INDEX_BITS + 1

_WEIGHT_BITS = FRACTION_BITS - INDEX_BITS


def table() -> Tensor:
    """int64 [65]: 2^(i / 64), 24 fractional bits, in [2^24, 2^25]."""
    return torch.tensor(
        [to_fixed(2**(i / 2**INDEX_BITS)) for i in range(ENTRIES)])


def table_exp_reduced(r: Tensor) -> Tensor:
    """The chords in floating point; approximates 2^r."""
    low = (r * 2**INDEX_BITS).floor() / 2**INDEX_BITS
    step = 2**-INDEX_BITS
    return low.exp2() * (1 + (r - low) / step * (2**step - 1))


def table_exp_float(x: Tensor) -> Tensor:
    """2^x in floating point, x <= 0."""
    z = x.floor()
    return table_exp_reduced(x - z) * z.exp2()


def table_exp(x: Tensor, entries: Tensor) -> Tensor:
    """2^x.

    Args:
        x (Tensor): int64 in [-62 2^24, 0], 24 fractional bits.
        entries (Tensor): int64 [65], see ``table``.

    Returns:
        Tensor: int64 in [0, 2^24], 24 fractional bits.
    """
    z = x >> FRACTION_BITS
    index = (x >> _WEIGHT_BITS) & (2**INDEX_BITS - 1)
    weight = x & (2**_WEIGHT_BITS - 1)
    low = entries[index]
    # a slope is below 2^19, a weight below 2^18
    rise = rshift((entries[index + 1] - low) * weight, _WEIGHT_BITS)
    return rshift(low + rise, -z)


TABLE_EXP = Exponential(
    2., REDUCED_RANGE, math.log2(math.e), table_exp_reduced, table_exp_float,
    table_exp, OPERATIONS, RELATIVE_ERROR,
    table)
