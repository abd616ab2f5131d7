"""What the Softmax candidates share: scores in, probabilities out, a row.

Between the two stands the candidate's exponential, on 24 fractional bits.

How far probabilities move (used by every candidate's bound): exponentials
off by a factor in [1 - d, 1 + d] move a probability by at most
d / (2 (1 - d)); truncating them to 24 bits, in a row of N whose sum is at
least 1, by (N + 1) 2^-24; the floor of the reciprocal by 2^-30.
"""
import math

import torch
from torch import Tensor

from iptq_mm.arithmetic import (
    SHARE_BITS,
    dyadic,
    floor_divide,
    multiply_shift,
    rshift,
)

from ..fixed_point import ONE
from ..scales import check_scales

PARAMS = 4
"""Smallest score kept; m, n of score -> exponent; width of the probabilities:
see ``lower``."""

DEPTH = 26 * math.log(2)
"""Scores further below the maximum have exponentials below 2^-26, which 24
fractional bits do not hold."""

EXP_BITS = 24
"""Fractional bits of an exponential."""

OCTAVES = 12
"""A row of at most 4096 scores has a sum in [1, 2) 2^k, k from 0 to 12."""

MAX_BITS = 18
"""With the octaves of a row, probabilities stay below 2^30."""

RECIPROCAL_BITS = EXP_BITS + SHARE_BITS
"""2^54 / sum, with a sum of at least 2^24, is at most 2^30: an int32."""

SCORE_OPERATIONS = 6
"""Row maximum 1, subtraction 1, clamp 1, multiplier 3."""
NORMALIZE_OPERATIONS = 5
"""Row sum 1, reciprocal times exponential 1, rounding shift 2, clamp 1."""
ROW_OPERATIONS = 2
"""Reciprocal 1, position of the leading bit of the sum 1. The row's exponent
is made up for after the product with the values."""


def lower(in_scale: float, unit: float, bits: int) -> Tensor:
    """Integer form of the score scale.

    Args:
        in_scale (float): Real value of one score step.
        unit (float): Exponent units in a real unit: log2 e for an
            exponential of base 2, 1 for one of base e.
        bits (int): Width of the probabilities, 2 to 18: of attention at
            most 8, of class scores all.

    Returns:
        Tensor: int64 [4]: the smallest score that is kept, relative to the
        row maximum (negative); m and n that take such a score to 24
        fractional bits; ``bits``.

    Raises:
        ValueError: If the scale is not positive and finite, or the width
            not between 2 and 18.
    """
    check_scales(in_scale)
    if not 2 <= bits <= MAX_BITS:
        raise ValueError(
            f'probabilities have 2 to {MAX_BITS} bits, not {bits}')
    # One step of more than DEPTH is as deep as one of DEPTH: both give 0.
    # Then a kept score is at most 2 DEPTH deep, 52 log 2, so that exponents
    # stay below 2^30 and shifts below 62.
    scale = min(in_scale, DEPTH)
    m, n = dyadic(scale * unit * ONE)
    return torch.tensor([-math.ceil(DEPTH / scale), m, n, bits])


def exponents(x: Tensor, params: Tensor) -> Tensor:
    """Scores relative to the row maximum.

    Args:
        x (Tensor): int32 [..., N], |x| <= 2^24.
        params (Tensor): As ``lower`` makes them.

    Returns:
        Tensor: int64 [..., N] in (-2^30, 0], 24 fractional bits.
    """
    x = x.to(torch.int64)
    depth = x - x.amax(-1, keepdim=True)  # > -2^26
    return multiply_shift(
        torch.maximum(depth, params[0]), params[1], params[2])


def normalize(exp: Tensor, params: Tensor) -> Tensor:
    """Probabilities by one division a row, and an exponent a row.

    The largest of a row is near 1 / sum: where attention is spread over 197
    tokens, far below 2^-8. So each row has codes of ``bits`` bits at a scale
    of its own, 2^-(bits + k) for a sum in [1, 2) 2^k. What is returned is the
    codes at one scale for all rows, shifted up; a product with values is
    shifted once, at its end.

    Args:
        exp (Tensor): int64 [..., N], N <= 4096, 24 fractional bits; the
            largest of a row is at least 2^24.
        params (Tensor): As ``lower`` makes them.

    Returns:
        Tensor: int64 [..., N] in [0, 2^(bits + 12)), at scale
        2^-(bits + 12).
    """
    bits = params[3]
    total = exp.sum(-1, keepdim=True)  # [2^24, 2^37)
    one = torch.full_like(total, 1 << RECIPROCAL_BITS)
    # an exponential is at most the sum, so the product at most 2^54
    probability = exp * floor_divide(one, total)
    octaves = ONE << torch.arange(1, OCTAVES + 1, device=exp.device)
    k = (total >= octaves).sum(-1, keepdim=True)
    largest = (torch.ones_like(bits) << bits) - 1
    codes = torch.minimum(
        rshift(probability, RECIPROCAL_BITS - bits - k), largest)
    return codes << (OCTAVES - k)


def codes(exp: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
    """What attention multiplies its values with: exponentials that are not
    divided by their sum yet.

    The largest of a row is 1, so that each row uses all codes of its width,
    whatever its sum; the division is left to the row's product with the
    values, as in flash attention (Dao et al., arXiv:2205.14135). Fractions of
    the sum have less than the last bit in the mean: on a ViT-S this rounding
    alone costs 34.9 dB with them, and 38.9 dB so.

    Args:
        exp (Tensor): int64 [..., N], N <= 4096, 24 fractional bits; the
            largest of a row is at least 2^24.
        params (Tensor): As ``lower`` makes them; at most 8 bits.

    Returns:
        tuple[Tensor, Tensor]: int64 [..., N] in [0, 2^bits - 1], at scale
        1 / (2^bits - 1), and int64 [..., 1] in (2^17, 2^30]: 2^30 / the sum
        of real exponentials.
    """
    bits = params[3]
    total = exp.sum(-1, keepdim=True)  # [2^24, 2^37)
    one = torch.full_like(total, 1 << RECIPROCAL_BITS)
    largest = (torch.ones_like(bits) << bits) - 1
    # exp / 2^24 (2^bits - 1), without a product of more than 32 bits
    whole = rshift(exp - (exp >> bits), EXP_BITS - bits)
    return torch.minimum(whole, largest), floor_divide(one, total)


def code_scale(bits: int) -> float:
    """Real value of one step of ``codes``."""
    return 1 / (2**bits - 1)


def normalize_float(exp: Tensor) -> Tensor:
    """Probabilities of float exponentials [..., N], not quantized."""
    return exp / exp.sum(-1, keepdim=True)


def out_scale(bits: int) -> float:
    """Real value of one step of what ``normalize`` gives."""
    return 2.**-(bits + OCTAVES)


def rounding_error(bits: int) -> float:
    """Half a step of a probability, in the rows of the coarsest codes."""
    return 2.**-(bits + 1)


def probability_error(relative: float, row_length: int) -> float:
    """Bound on the error of a probability before its output rounding.

    Args:
        relative (float): Bound on the relative error of an exponential.
        row_length (int): N.
    """
    return (relative / 2 / (1 - relative) + (row_length + 1) / ONE
            + 2**-30)


def operations(exponential: int, row_length: int) -> float:
    """Per element, with an exponential of so many; and what a row takes."""
    return (SCORE_OPERATIONS + exponential + NORMALIZE_OPERATIONS
            + ROW_OPERATIONS / row_length)
