"""I-ViT's ShiftExp (arXiv:2207.01405): e^x by shifts alone.

log2 e ~ (1.0111) in binary = 1 + 1/2 - 1/16, and 2^r ~ 1 + r/2 on (-1, 0],
which is off by at most 0.043. Continuous across octaves.
"""
from torch import Tensor

from ..fixed_point import FRACTION_BITS, ONE
from .base import Exponential

REDUCED_RANGE = (-1., 0.)
RELATIVE_ERROR = 2**-21
"""5 units of 2^-24 for the argument and the three shifts."""
OPERATIONS = 11
"""log2 e 4, z 2, r 2, 1 + r/2 2, its shift 1."""


def shift_exp_reduced(r: Tensor) -> Tensor:
    """1 + r / 2 in floating point; approximates 2^r."""
    return 1 + r / 2


def shift_exp_float(x: Tensor) -> Tensor:
    """e^x in floating point, x <= 0."""
    x = x * (1 + 1 / 2 - 1 / 16)
    z = (-x).floor()
    return shift_exp_reduced(x + z) * (-z).exp2()


def shift_exp(x: Tensor) -> Tensor:
    """e^x.

    Args:
        x (Tensor): int64 in [-43 2^24, 0], 24 fractional bits.

    Returns:
        Tensor: int64 in [0, 2^24], 24 fractional bits.
    """
    x = x + (x >> 1) - (x >> 4)
    z = -x >> FRACTION_BITS
    r = x + (z << FRACTION_BITS)
    return (ONE + (r >> 1)) >> z


SHIFT_EXP = Exponential(
    2., REDUCED_RANGE, 1., shift_exp_reduced, shift_exp_float,
    lambda x, _: shift_exp(x), OPERATIONS, RELATIVE_ERROR)
