"""Integers of weights, improved one at a time.

GPTQ rounds a column once and cannot know what the later ones will be. With all
of them at hand, each integer in turn is set to the best value beside the
others, which never makes the error of the output larger (coordinate descent;
QuantEase, Behdin et al., arXiv:2309.01885, algorithm 1).
"""
import torch
from torch import Tensor

from .clipping import Grid
from .rounding import to_integers

SWEEPS = 2
"""Over all columns; they take 10 to 15 % off the error, a third 2 %."""

BLOCK = 64
"""Columns between two updates of all the rest."""


def descend(weight: Tensor, integers: Tensor, grid: Grid,
            covariance: Tensor) -> Tensor:
    """Integers of a smaller trace(E C E^T), E = W - scale * integers.

    Args:
        weight (Tensor): float64 [N, K].
        integers (Tensor): float64 [N, K], on the grid.
        grid (Grid): Of the weights.
        covariance (Tensor): C, float64 [K, K], positive definite.

    Returns:
        Tensor: float64 [N, K].
    """
    spacing, scale = grid.spacing(), grid.scale[:, None]
    codes = (integers / grid.steps).clone()
    gradient = (weight - scale * integers) @ covariance
    for _ in range(SWEEPS):
        for start in range(0, weight.shape[1], BLOCK):
            block = slice(start, start + BLOCK)
            inside = covariance[block, block]
            moved = _pass(codes[:, block], spacing[:, block],
                          gradient[:, block].clone(), inside, grid.bits)
            gradient -= moved @ covariance[block]
    return grid.steps * codes


def _pass(codes: Tensor, spacing: Tensor, gradient: Tensor,
          covariance: Tensor, bits: int) -> Tensor:
    """One look at each of a few columns.

    Args:
        codes (Tensor): [N, B], changed in place.
        spacing (Tensor): [N, B], of neighbouring weights.
        gradient (Tensor): [N, B], E C of these columns; used up.
        covariance (Tensor): [B, B].
        bits (int): Width of the codes.

    Returns:
        Tensor: By how much the weights have moved, [N, B].
    """
    moved = torch.zeros_like(gradient)
    for column, row in enumerate(covariance):
        step, old = spacing[:, column], codes[:, column]
        best = step * old + gradient[:, column] / row[column]
        new = to_integers(best, step, bits)
        moved[:, column] = step * (new - old)
        codes[:, column] = new
        later = slice(column + 1, None)
        gradient[:, later] -= moved[:, column].outer(row[later])
    return moved
