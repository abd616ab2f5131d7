"""From observed ranges to scales, from ratios of scales to dyadic integers.

This and the files beside it are the only place where floats turn into the
integers of a model. All of it is float64.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..arithmetic import MULTIPLIER_BITS, dyadic, qmax

MIN_RATIO = 2.0**-31
"""Smallest ratio that is kept: an int32 accumulator times it rounds to 0 or
+-1, so a smaller one would change nothing but the shift."""


def scale_of(threshold: float, bits: int) -> float:
    """Scale S = T / qmax of a site whose values are clipped at T.

    Args:
        threshold (float): T >= 0. A site that saw only zeros gets T = 1: any
            scale represents zero.
        bits (int): Width of the integers.

    Returns:
        float: S > 0.
    """
    return (threshold or 1.0) / qmax(bits)


def dyadic_tensors(ratio: Tensor | float) -> tuple[Tensor, Tensor]:
    """Dyadic forms of one or many ratios of scales.

    Args:
        ratio (Tensor | float): float64 [N], or a float for [1].

    Returns:
        tuple[Tensor, Tensor]: m and n, int64 [N], as ``arithmetic.dyadic``
        gives them.

    Raises:
        ValueError: If a ratio has no dyadic form.
    """
    ratios = torch.as_tensor(
        ratio, dtype=torch.float64).reshape(-1).clamp(min=MIN_RATIO)
    # The ends by the definition, which refuses what has no dyadic form.
    for extreme in (ratios.min(), ratios.max()):
        dyadic(extreme.item())
    fraction, exponent = torch.frexp(ratios)
    # exact, but for the rounding: float64 has 53 bits
    m = torch.ldexp(fraction, torch.tensor(MULTIPLIER_BITS)).round().long()
    n = MULTIPLIER_BITS - exponent.long()
    overflow = m == 1 << MULTIPLIER_BITS  # rounded up to a power of two
    return torch.where(overflow, m >> 1, m), n - overflow.long()


def fill(buffer: Tensor, values: Tensor) -> None:
    """Copy integers into a buffer of a module.

    Raises:
        ValueError: If a value does not fit the buffer's dtype, or the shapes
            differ: lowering must not wrap around silently.
    """
    limits = torch.iinfo(buffer.dtype)
    if values.shape != buffer.shape:
        raise ValueError(f'shape {tuple(values.shape)} does not fit '
                         f'{tuple(buffer.shape)}')
    if values.numel() and not (limits.min <= values.min()
                               and values.max() <= limits.max):
        raise ValueError(f'values in [{values.min()}, {values.max()}] do not '
                         f'fit {buffer.dtype}')
    buffer.copy_(values)


def fill_ratio(target: nn.Module, ratio: Tensor | float) -> None:
    """Store a change of scale in the buffers ``m`` and ``n`` of a module.

    Raises:
        ValueError: As :func:`dyadic_tensors` and :func:`fill`.
    """
    m, n = dyadic_tensors(ratio)
    fill(target.m, m)
    fill(target.n, n)
