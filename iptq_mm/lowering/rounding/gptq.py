"""Second-order error compensation (GPTQ, Frantar et al., arXiv:2210.17323).
"""
from __future__ import annotations

import torch
from torch import Tensor

from ...calibration import SecondMoments
from .clipping import Grid, least_squares_grid, mse
from .descent import descend
from .rounding import ROUNDINGS, Rounded, corrected, to_integers

DAMPING = 0.1
"""What is added to the diagonal of the covariance, as a share of its mean
(the paper's section 4, step 3, which has 0.01 for 262,144 tokens: those of
some tens of images are fewer and alike, and tell less)."""

FLOAT32_ERROR = 2.0**-18
"""Of products that were summed in float32, relative to the squared mean."""

BLOCK = 128
"""Columns between two updates of all the rest (the paper's section 4, step
2)."""


@ROUNDINGS.register_module()
def gptq(weight: Tensor, least_scale: Tensor, bits: int,
         moments: SecondMoments | None = None) -> Rounded:
    """Column by column, each error of rounding is made up for by the columns
    that are still to be rounded; then each integer is looked at once more
    (``descent.py``).

    What counts is the error of the output, trace(E C E^T) with the error E of
    the weights. C is the covariance of the input, where the paper has its
    second moments, since the mean of the error goes to the bias. Columns of
    large variance come first, and weigh more where the scale is chosen.
    Without moments it is :func:`mse`.
    """
    if moments is None:
        return mse(weight, least_scale, bits)
    order, covariance, root = _ordered(moments)
    variance = torch.empty_like(covariance.diagonal())
    variance[order] = covariance.diagonal()
    grid = least_squares_grid(weight, least_scale, bits, variance)
    in_order = grid._replace(steps=grid.steps[:, order])
    integers = torch.empty_like(weight)
    integers[:, order] = descend(
        weight[:, order], _compensate(weight[:, order], in_order, root),
        in_order, covariance)
    return corrected(weight, integers, grid.scale, moments)


def _ordered(moments: SecondMoments) -> tuple[Tensor, Tensor, Tensor]:
    """Columns of large variance first: their numbers, the damped covariance
    in that order, and its inverse root. Of an input that hardly varies,
    rounding is all that is left: it is damped the more."""
    covariance = moments.covariance
    rounding = FLOAT32_ERROR * moments.mean.square().mean()
    damping = DAMPING * covariance.diagonal().mean() + rounding
    damping = float(damping) if damping > 0 else 1.
    while True:
        damped = covariance + damping * torch.eye(
            len(covariance), dtype=torch.float64)
        order = damped.diagonal().argsort(descending=True, stable=True)
        damped = damped[order][:, order]
        root = _inverse_root(damped)
        if root is not None:
            return order, damped, root
        damping *= 10


def _inverse_root(covariance: Tensor) -> Tensor | None:
    """Upper triangular U with U^T U = C^-1, float64 [K, K]; None where C is
    not positive definite, or hardly."""
    lower, failed = torch.linalg.cholesky_ex(covariance)
    if failed:
        return None
    root, failed = torch.linalg.cholesky_ex(
        torch.cholesky_inverse(lower), upper=True)
    return None if failed else root


def _compensate(weight: Tensor, grid: Grid, root: Tensor) -> Tensor:
    """Integers of the weights, in the order of the columns.

    Args:
        weight (Tensor): float64 [N, K].
        grid (Grid): Of the weights.
        root (Tensor): float64 [K, K], see :func:`_inverse_root`.

    Returns:
        Tensor: float64 [N, K].
    """
    left = weight.clone()
    spacing, codes = grid.spacing(), torch.empty_like(weight)
    for start in range(0, weight.shape[1], BLOCK):
        end = min(start + BLOCK, weight.shape[1])
        errors = torch.empty_like(weight[:, start:end])
        for column in range(start, end):
            step = spacing[:, column]
            codes[:, column] = to_integers(left[:, column], step, grid.bits)
            error = (left[:, column] - step * codes[:, column]
                     ) / root[column, column]
            left[:, column:end] -= error.outer(root[column, column:end])
            errors[:, column - start] = error
        left[:, end:] -= errors @ root[start:end, end:]
    return grid.steps * codes
