"""The arithmetic contract: rounding, shifting, dyadic multipliers, roots.

Every integer operator of the project is made of these functions and of
torch's own exact integer ``+``, ``-``, ``*`` and ``@``. Nothing else may
define a rounding. All tensors are signed integer tensors; wide intermediate
results are int64, and each function states the input range in which no
intermediate leaves int64.

``dyadic`` is the one function of lowering time: it takes a Python float.
"""
from __future__ import annotations

import math
from fractions import Fraction

import torch
from torch import Tensor

MULTIPLIER_BITS = 31
"""A dyadic multiplier m lies in [2^30, 2^31): an int32 of 31 bits."""

MAX_SHIFT = 62
"""The largest right shift for which 2^(n-1) still fits beside a product."""


SHARE_BITS = 30
"""Fractional bits of what attention multiplies the sums of a row with."""


def qmax(bits: int) -> int:
    """Largest magnitude of a signed ``bits``-bit integer, 2^(bits-1) - 1.

    The range is symmetric: -2^(bits-1) never occurs.
    """
    return 2**(bits - 1) - 1


def saturate(x: Tensor, bits: int) -> Tensor:
    """Clamp to [-qmax(bits), qmax(bits)]; shape and dtype stay."""
    return x.clamp(-qmax(bits), qmax(bits))


def storage(bits: int) -> torch.dtype:
    """What integers of a width are stored in: int8 (<= 8 bits), int16 (<= 16)
    or int32 (<= 32)."""
    return (torch.int8 if bits <= 8 else
            torch.int16 if bits <= 16 else torch.int32)


def narrow(x: Tensor, bits: int) -> Tensor:
    """Saturate to ``bits`` bits, in their :func:`storage`."""
    return saturate(x, bits).to(storage(bits))


def rshift(x: Tensor, n: Tensor | int) -> Tensor:
    """Divide by 2^n and round half up: ``(x + 2^(n-1)) >> n``.

    Args:
        x (Tensor): int64 (or narrower), any shape,
            ``x + 2^(n-1) < 2^63``.
        n (Tensor | int): Shift in [0, 62], broadcastable to ``x``; 0 leaves
            ``x`` as it is.

    Returns:
        Tensor: int64, shape of ``x`` broadcast with ``n``.
    """
    x = x.to(torch.int64)
    if isinstance(n, int):
        return (x + ((1 << n) >> 1)) >> n
    n = n.to(torch.int64)
    half = (torch.ones_like(n) << n) >> 1
    return (x + half) >> n


def dyadic(ratio: float, max_shift: int = MAX_SHIFT) -> tuple[int, int]:
    """Nearest dyadic number m 2^-n to a positive ratio.

    Args:
        ratio (float): In [2^(30 - max_shift), 2^30].
        max_shift (int): Upper end of n.

    Returns:
        tuple[int, int]: (m, n), m in [2^30, 2^31), n in [0, max_shift];
        relative error at most 2^-31.

    Raises:
        ValueError: If the ratio is not finite, not positive, or outside the
            range above.
    """
    if not (math.isfinite(ratio) and ratio > 0):
        raise ValueError(f'a scale ratio must be positive and finite, '
                         f'got {ratio!r}')
    exponent = math.frexp(ratio)[1]  # ratio = f 2^exponent, f in [1/2, 1)
    n = MULTIPLIER_BITS - exponent
    m = round(Fraction(ratio) * Fraction(2)**n)
    if m == 1 << MULTIPLIER_BITS:  # rounded up to the next power of two
        m, n = m >> 1, n - 1
    if not 0 <= n <= max_shift:
        raise ValueError(
            f'the scale ratio {ratio:g} has no dyadic form with a shift in '
            f'[0, {max_shift}]: the scales it is made of are too far apart')
    return m, n


def multiply_shift(x: Tensor, m: Tensor | int, n: Tensor | int) -> Tensor:
    """``rshift(x * m, n)`` without saturation.

    Args:
        x (Tensor): |x| < 2^31.
        m (Tensor | int): |m| < 2^31, broadcastable to ``x``.
        n (Tensor | int): In [0, 62], broadcastable to ``x``.

    Returns:
        Tensor: int64. The product is below 2^62 and 2^(n-1) at most 2^61, so
        the sum stays inside int64.
    """
    return rshift(x.to(torch.int64) * m, n)


def requantize(x: Tensor, m: Tensor | int, n: Tensor | int,
               bits: int) -> Tensor:
    """Change the scale of an integer tensor by m 2^-n and saturate.

    Args:
        x (Tensor): |x| < 2^31, any shape.
        m (Tensor | int): Dyadic multiplier, |m| < 2^31, broadcastable.
        n (Tensor | int): Shift in [0, 62], broadcastable.
        bits (int): Width of the result.

    Returns:
        Tensor: int8, int16 or int32 by ``bits``, |q| <= 2^(bits-1) - 1.
    """
    return narrow(multiply_shift(x, m, n), bits)


def floor_divide(x: Tensor, y: Tensor | int) -> Tensor:
    """Floor of x / y for int64 x and positive y; rounds toward -infinity."""
    return torch.div(x, y, rounding_mode='floor')


def isqrt(x: Tensor) -> Tensor:
    """Exact floor of the square root.

    Digit by digit (one bit of the root a step), as hardware without a
    multiplier would do it; the result is exact on the whole range.

    Args:
        x (Tensor): int64 in [0, 2^62).

    Returns:
        Tensor: int64, largest r with r^2 <= x.
    """
    rest, root = x.to(torch.int64), torch.zeros_like(x, dtype=torch.int64)
    for shift in range(60, -1, -2):
        trial = root + (1 << shift)
        fits = rest >= trial
        rest = torch.where(fits, rest - trial, rest)
        root = torch.where(fits, (root >> 1) + (1 << shift), root >> 1)
    return root
