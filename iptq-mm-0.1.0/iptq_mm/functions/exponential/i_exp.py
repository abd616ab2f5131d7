"""I-BERT's i-exp (arXiv:2101.01321, section 3.5): a parabola on one
octave, e^r ~ 0.3585 (r + 1.353)^2 + 0.344 for r in (-ln 2, 0].

The parabola halves across the octave but for 1e-4 of its value; the integer
and the float form may stand on different sides of that seam.
"""
import math

from torch import Tensor

from iptq_mm.arithmetic import rshift

from ..fixed_point import FRACTION_BITS, to_fixed
from .base import Exponential

REDUCED_RANGE = (-math.log(2), 0.)
RELATIVE_ERROR = 1e-4 + 2**-19
"""The seam, and at most 19 units of 2^-24, 13 of them for ln 2 taken up to
26 times."""
OPERATIONS = 14
"""Negation 1, z 2, r 2, plus b 1, square 3, times a 3, plus c 1, shift 1."""

_A, _B, _C = 0.3585, 1.353, 0.344
_QUOTIENT_BITS = 30
_LOG2_E = round(math.log2(math.e) * 2**_QUOTIENT_BITS)
_LN2 = to_fixed(math.log(2))
_A_FIXED, _B_FIXED, _C_FIXED = to_fixed(_A), to_fixed(_B), to_fixed(_C)


def i_exp_reduced(r: Tensor) -> Tensor:
    """The parabola in floating point; approximates e^r."""
    return _A * (r + _B)**2 + _C


def i_exp_float(x: Tensor) -> Tensor:
    """e^x in floating point, x <= 0."""
    z = (-x / math.log(2)).floor()
    return i_exp_reduced(x + z * math.log(2)) * (-z).exp2()


def i_exp(x: Tensor) -> Tensor:
    """e^x.

    Args:
        x (Tensor): int64 in (-2^30, 0], 24 fractional bits.

    Returns:
        Tensor: int64 in [0, 1.0003 2^24], 24 fractional bits.
    """
    # -x times log2 e of 30 bits is below 2^61; z < 2^7
    z = (-x * _LOG2_E) >> (FRACTION_BITS + _QUOTIENT_BITS)
    root = x + z * _LN2 + _B_FIXED
    square = rshift(root * root, FRACTION_BITS)
    parabola = rshift(square * _A_FIXED, FRACTION_BITS) + _C_FIXED
    return parabola >> z


I_EXP = Exponential(
    math.e, REDUCED_RANGE, 1., i_exp_reduced, i_exp_float,
    lambda x, _: i_exp(x), OPERATIONS, RELATIVE_ERROR)
