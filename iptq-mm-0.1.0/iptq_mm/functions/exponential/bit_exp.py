"""Efficient Bit-exp of IPTQ-ViT (arXiv:2511.15369): 2^x by three shifts.

2^r = e^(r ln 2) ~ 1 + phi(r), phi(r) = (r >> 1) + (r >> 3) + (r >> 4), since
ln 2 ~ (0.1011) in binary. This is the tangent at 0, and good only near it:
with the remainder on (-1, 0] its error reaches 0.19, on the centred
[-1/2, 1/2) 0.07. So the remainder is centred here. The two branches do not
meet at r = 1/2, where 2^x jumps down by 2.4 %; the integer and the float form
may stand on different sides of that jump, for x within 2^-23 of it.
"""
import math

from torch import Tensor

from ..fixed_point import FRACTION_BITS, ONE
from .base import Exponential

REDUCED_RANGE = (-0.5, 0.5)
JUMP = (1 + 11 / 16 / 2) / 2 / (1 - 11 / 16 / 2) - 1
RELATIVE_ERROR = JUMP + 2**-19
"""The jump, and 6 units of 2^-24 for the argument and the three shifts."""
OPERATIONS = 12
"""-z 2, r 2, phi 5, 1 + phi 1, its shift 2."""


def bit_exp_reduced(r: Tensor) -> Tensor:
    """1 + phi(r) in floating point; approximates 2^r."""
    return 1 + r * (1 / 2 + 1 / 8 + 1 / 16)


def bit_exp_float(x: Tensor) -> Tensor:
    """2^x in floating point, x <= 0."""
    z = (x + 0.5).floor()
    return bit_exp_reduced(x - z) * z.exp2()


def bit_exp(x: Tensor) -> Tensor:
    """2^x.

    Args:
        x (Tensor): int64 in [-62 2^24, 0], 24 fractional bits.

    Returns:
        Tensor: int64 in [0, 2^24], 24 fractional bits.
    """
    z = (x + ONE // 2) >> FRACTION_BITS
    r = x - (z << FRACTION_BITS)
    return (ONE + (r >> 1) + (r >> 3) + (r >> 4)) >> -z


BIT_EXP = Exponential(
    2., REDUCED_RANGE, math.log2(math.e), bit_exp_reduced, bit_exp_float,
    lambda x, _: bit_exp(x), OPERATIONS, RELATIVE_ERROR)
