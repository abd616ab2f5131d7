"""GELU by a clipped power that stands for erf; I-BERT's and IPTQ-ViT's form.

    GELU(x) ~ x/2 (1 + L(x / sqrt 2))
    L(u) = sgn(u) [a (min(|u|, -b) + b)^k + 1],  k = 2 or 4

The candidates choose a, b and k; the arithmetic around the power is here.
With t = max(-b - |u|, 0) and s = -a t^k, the factor 1 + L(u) is s for
negative x and 2 - s for positive x.

Fixed point of 22 fractional bits: with b >= -4 and -a b^k <= 2 every value
below fits int32, and every product is one of two such values.

Error of 1 + L in the integer forward, k = 4 (k = 2 has less): t is off by
at most 2^-22 (|u| and b are rounded), s by 4 |a| |b|^3 2^-22 <= 2^-19 for
that and by less than 2^-20 for the roundings of t^2, t^4, a and s: together
below 2^-18. Beyond |u| = -b it is exact.
"""
import math

import torch
from torch import Tensor

from iptq_mm.arithmetic import dyadic, multiply_shift, rshift

from ..scales import check_scales

FRACTION_BITS = 22
COEFFICIENT_BITS = 30
PARAMS = 6
"""m, n of |q| -> |u|; -b; -a; m, n of the result: see ``lower``."""


def check(a: float, b: float, power: int) -> None:
    """Refuse coefficients outside the range of the integer forward.

    Raises:
        ValueError: Unless -1 < a < 0, -4 <= b <= -1 and -a b^power <= 2.
    """
    if not (-1 < a < 0 and -4 <= b <= -1 and -a * b**power <= 2):
        raise ValueError(
            f'coefficients a={a}, b={b} are outside -1 < a < 0, '
            f'-4 <= b <= -1, -a b^{power} <= 2')


def ideal(x: Tensor, a: float, b: float, power: int) -> Tensor:
    """The approximate GELU of a float tensor, elementwise."""
    u = x / math.sqrt(2)
    erf = u.sign() * (a * (u.abs().clamp(max=-b) + b)**power + 1)
    return 0.5 * x * (1 + erf)


def lower(a: float, b: float, in_scale: float, out_scale: float) -> Tensor:
    """Integer form of the coefficients and scales.

    Returns:
        Tensor: int64 [6]: m and n that take |q| to |u| with 22 fractional
        bits; -b with 22 fractional bits; -a with 30; m and n that take
        q (1 + L) with 22 fractional bits to the output scale.
    """
    check_scales(in_scale, out_scale)
    one = 2**FRACTION_BITS
    return torch.tensor([
        *dyadic(in_scale / math.sqrt(2) * one),
        round(-b * one),
        round(-a * 2**COEFFICIENT_BITS),
        *dyadic(in_scale / out_scale / 2 / one)])


def clipped_distance(x: Tensor, params: Tensor) -> Tensor:
    """t = max(-b - |u|, 0) of int8 x; int64, 22 fractional bits, <= 2^24."""
    u = multiply_shift(x.to(torch.int64).abs(), params[0], params[1])
    return params[2] - torch.minimum(u, params[2])


def square(x: Tensor) -> Tensor:
    """x^2 for |x| < 2^31, 22 fractional bits in and out."""
    return rshift(x * x, FRACTION_BITS)


def gelu_of_power(x: Tensor, power: Tensor, params: Tensor) -> Tensor:
    """The result from int8 x and t^k (22 fractional bits, at most 2^30)."""
    # power, params[3] <= 2^30; s <= 2^23; |x factor| < 2^7 2^23 = 2^30
    s = rshift(power * params[3], COEFFICIENT_BITS)
    factor = torch.where(x < 0, s, (2 << FRACTION_BITS) - s)
    return multiply_shift(x * factor, params[4], params[5])


def error_bound(b: float, in_scale: float, out_scale: float) -> float:
    """Output rounding; 2^-18 |x| / 2 for |x| <= -b sqrt 2; the 2^-31 of
    the output's dyadic multiplier, where |y| <= |x| <= 127 in_scale."""
    largest = 127 * in_scale
    inexact = min(largest, -b * math.sqrt(2))
    return out_scale / 2 + inexact * 2**-19 + largest * 2**-31
