"""How float weights become integers.

A *rounding* takes the weights of one layer, the smallest scale that each
output channel may have, and the width; it gives the integers, the scales, and
what is to be added to the bias. Which rounding a layer gets is said by its
module name, since some need what calibration saw at the layer's input.
"""
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ..arithmetic import qmax


class Rounded(NamedTuple):
    """Integer weights W ~ scale * integers.

    Args:
        integers (Tensor): float64 [N, K], whole numbers, at most
            ``qmax(bits)`` in magnitude.
        scale (Tensor): float64 [N], positive.
        bias (Tensor): float64 [N], to be added to the layer's bias.
    """
    integers: Tensor
    scale: Tensor
    bias: Tensor


Rounding = Callable[[Tensor, Tensor, int], Rounded]
"""``rounding(weight, least_scale, bits)``: weight float64 [N, K],
least_scale float64 [N], positive."""

Roundings = Callable[[str], Rounding]
"""The rounding of a layer by its module name in the float model."""


def nearest(weight: Tensor, least_scale: Tensor, bits: int) -> Rounded:
    """The largest weight of a channel gets the largest integer, the others
    the nearest."""
    scale = torch.maximum(weight.abs().amax(1) / qmax(bits), least_scale)
    return Rounded((weight / scale[:, None]).round(), scale,
                   torch.zeros_like(scale))


def nearest_everywhere(layer: str) -> Rounding:
    """:func:`nearest`, whatever the layer."""
    return nearest
