"""Weights clipped where that costs the least squared error."""
from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...calibration import SecondMoments
from .groups import MOST_BITS, finest_scale, grouped, integer_steps, spread
from .rounding import ROUNDINGS, Rounded, corrected, largest_fits, to_integers

TRIALS = torch.linspace(1, .3, 71, dtype=torch.float64)
"""Clipping thresholds as shares of a channel's largest weight; the error is
flat at its minimum."""


class Grid(NamedTuple):
    """What a layer's weights can be: scale times step times a code.

    Args:
        scale (Tensor): float64 [N], positive.
        steps (Tensor): Whole numbers [N, K]; 1 where a channel has no groups.
        bits (int): Width of the codes.
    """
    scale: Tensor
    steps: Tensor
    bits: int

    def spacing(self) -> Tensor:
        """Of neighbouring values, float64 [N, K]."""
        return self.scale[:, None] * self.steps

    def nearest(self, weight: Tensor) -> Tensor:
        """The nearest integers, step times code; float64 [N, K]."""
        return self.steps * to_integers(weight, self.spacing(), self.bits)


def least_squares_scale(weight: Tensor, least_scale: Tensor, bits: int,
                        importance: Tensor) -> Tensor:
    """For each row the scale of least sum of i (W - W')^2.

    Args:
        weight (Tensor): float64 [..., K].
        least_scale (Tensor): float64 [...], positive.
        bits (int): Width of the integers.
        importance (Tensor): float64 [..., K] or [K], i of each input.

    Returns:
        Tensor: float64 [...], not below ``least_scale``.
    """
    largest = largest_fits(weight, least_scale, bits)
    best, least = largest, torch.full_like(largest, torch.inf)
    for share in TRIALS:
        scale = torch.maximum(largest * share, least_scale)
        spacing = scale[..., None]
        rounded = spacing * to_integers(weight, spacing, bits)
        error = ((weight - rounded).square() * importance).sum(-1)
        best = torch.where(error < least, scale, best)
        least = torch.minimum(error, least)
    return best


def least_squares_grid(weight: Tensor, least_scale: Tensor, bits: int,
                       importance: Tensor) -> Grid:
    """The scale of each channel by :func:`least_squares_scale`, or of each
    group where weights of so few bits have groups.

    Args:
        weight (Tensor): float64 [N, K].
        least_scale (Tensor): float64 [N], positive.
        bits (int): Width of the codes.
        importance (Tensor): float64 [K].
    """
    if bits > MOST_BITS:
        scale = least_squares_scale(weight, least_scale, bits, importance)
        return Grid(scale, torch.ones_like(weight), bits)
    # A group may be as fine as it likes: only the channel has a least scale.
    tiny = torch.finfo(torch.float64).tiny
    groups = grouped(weight)
    wanted = least_squares_scale(
        groups, torch.full_like(groups[..., 0], tiny), bits,
        grouped(importance[None])[0])
    scale = torch.maximum(finest_scale(wanted, bits), least_scale)
    steps = integer_steps(wanted, scale)
    return Grid(scale, spread(steps, weight.shape[1]), bits)


@ROUNDINGS.register_module()
def mse(weight: Tensor, least_scale: Tensor, bits: int,
        moments: SecondMoments | None = None) -> Rounded:
    """The nearest integers at the scale of least squared error."""
    grid = least_squares_grid(weight, least_scale, bits,
                              torch.ones_like(weight[0]))
    return corrected(weight, grid.nearest(weight), grid.scale, moments)
