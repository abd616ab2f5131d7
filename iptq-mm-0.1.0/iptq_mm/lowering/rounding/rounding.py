"""How float weights become integers.

A *rounding* takes the weights of one layer, the smallest scale that each
output channel may have, and the width; it gives the integers, the scales, and
what is to be added to the bias. Which rounding a layer gets is said by its
module name: those registered here use what calibration saw at the layer's
input, where it looked.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import torch
from mmengine.registry import Registry
from torch import Tensor

from ...arithmetic import qmax
from ...calibration import SecondMoments


class Rounded(NamedTuple):
    """Integer weights W ~ scale * integers.

    Args:
        integers (Tensor): float64 [N, K], whole numbers, at most
            ``qmax(bits)`` in magnitude; in groups (``groups.py``) at most
            127.
        scale (Tensor): float64 [N], positive.
        bias (Tensor): float64 [N], to be added to the layer's bias.
    """
    integers: Tensor
    scale: Tensor
    bias: Tensor


Rounding = Callable[[Tensor, Tensor, int], Rounded]
"""``rounding(weight, least_scale, bits)``: weight float64 [N, K],
least_scale float64 [N], positive."""

Roundings = Callable[..., Rounding]
"""``roundings(layer, divisors, columns, gains)``: the rounding of a layer by
its module name in the float model, where the integer layer takes the float
one's inputs divided by float64 [K], and in the order int64 [K], and gives its
outputs times float64 [N] (None: as they are)."""

ROUNDINGS = Registry('rounding', scope='iptq_mm')
"""Functions with the arguments of a ``Rounding`` and a fourth, the moments of
the layer's input (:class:`SecondMoments`), or None where nobody looked."""


def roundings(name: str, moments: Mapping[str, SecondMoments]) -> Roundings:
    """The same registered rounding for every layer.

    Args:
        name (str): A name in ``ROUNDINGS``.
        moments (Mapping[str, SecondMoments]): Of the input of a layer, by
            its module name in the float model.
    """
    rule = ROUNDINGS.get(name)

    def rounding(layer: str, divisors: Tensor | None = None,
                 columns: Tensor | None = None,
                 gains: Tensor | None = None) -> Rounding:
        return partial(
            rule, moments=moments_at(moments.get(layer), divisors, columns))

    return rounding


def moments_at(seen: SecondMoments | None, divisors: Tensor | None,
               columns: Tensor | None) -> SecondMoments | None:
    """Moments of a float layer's input as the integer layer takes it, see
    ``Roundings``."""
    if seen is not None and divisors is not None:
        seen = seen.divided(divisors)
    if seen is not None and columns is not None:
        seen = seen.reordered(columns)
    return seen


def in_order(x: Tensor, divisors: Tensor | None,
             columns: Tensor | None) -> Tensor:
    """Inputs [..., K] of a float layer as the integer layer takes them, see
    ``Roundings``."""
    x = x if divisors is None else x / divisors
    return x if columns is None else x[..., columns]


def to_integers(weight: Tensor, scale: Tensor, bits: int) -> Tensor:
    """The nearest integers, clipped to the width.

    Args:
        weight (Tensor): float64 [N, K].
        scale (Tensor): float64 [N, K] or [N, 1], positive.
        bits (int): Width.

    Returns:
        Tensor: float64 [N, K].
    """
    limit = qmax(bits)
    return (weight / scale).round().clamp(-limit, limit)


def corrected(weight: Tensor, integers: Tensor, scale: Tensor,
              moments: SecondMoments | None) -> Rounded:
    """Integers with the bias that makes up for what rounding has done to the
    mean of the output, (W - W') E[x] (Nagel et al., arXiv:1906.04721,
    section 4.2); no correction where nobody looked."""
    if moments is None:
        return Rounded(integers, scale, torch.zeros_like(scale))
    error = weight - scale[:, None] * integers
    return Rounded(integers, scale, error @ moments.mean)


def largest_fits(weight: Tensor, least_scale: Tensor, bits: int) -> Tensor:
    """The scales at which the largest weight of a channel gets the largest
    integer; float64 [...] of weights [..., K]."""
    return torch.maximum(weight.abs().amax(-1) / qmax(bits), least_scale)


@ROUNDINGS.register_module()
def nearest(weight: Tensor, least_scale: Tensor, bits: int,
            moments: SecondMoments | None = None) -> Rounded:
    """The largest weight of a channel gets the largest integer, the others
    the nearest."""
    scale = largest_fits(weight, least_scale, bits)
    return corrected(weight, to_integers(weight, scale[:, None], bits), scale,
                     moments)


def nearest_everywhere(layer: str, divisors: Tensor | None = None,
                       columns: Tensor | None = None,
                       gains: Tensor | None = None) -> Rounding:
    """:func:`nearest`, whatever the layer."""
    return nearest
