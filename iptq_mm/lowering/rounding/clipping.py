"""Weights clipped where that costs the least squared error."""
import torch
from torch import Tensor

from ...calibration import SecondMoments
from .rounding import ROUNDINGS, Rounded, corrected, largest_fits, to_integers

TRIALS = torch.linspace(1, .3, 71, dtype=torch.float64)
"""Clipping thresholds as shares of a channel's largest weight; the error is
flat at its minimum."""


def least_squares_scale(weight: Tensor, least_scale: Tensor, bits: int,
                        importance: Tensor) -> Tensor:
    """For each output channel the scale of least sum of i (W - W')^2.

    Args:
        weight (Tensor): float64 [N, K].
        least_scale (Tensor): float64 [N], positive.
        bits (int): Width of the integers.
        importance (Tensor): float64 [K], i of each input.

    Returns:
        Tensor: float64 [N], not below ``least_scale``.
    """
    largest = largest_fits(weight, least_scale, bits)
    best, least = largest, torch.full_like(largest, torch.inf)
    for share in TRIALS:
        scale = torch.maximum(largest * share, least_scale)
        error = (weight - scale[:, None] * to_integers(weight, scale, bits)
                 ).square() @ importance
        best = torch.where(error < least, scale, best)
        least = torch.minimum(error, least)
    return best


@ROUNDINGS.register_module()
def mse(weight: Tensor, least_scale: Tensor, bits: int,
        moments: SecondMoments | None = None) -> Rounded:
    """The nearest integers at the scale of least squared error."""
    scale = least_squares_scale(weight, least_scale, bits,
                                torch.ones_like(weight[0]))
    return corrected(weight, to_integers(weight, scale, bits), scale, moments)
