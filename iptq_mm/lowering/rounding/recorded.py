"""Roundings that remember what they have made, and what it costs."""
from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ...assignment.normalization import Measures
from ...assignment.unified_metric import decibel
from ...calibration import SecondMoments
from ...nn.packed import packed_bytes
from .rounding import ROUNDINGS, Rounded, Rounding, Roundings, moments_at


class Recorded:
    """``Roundings`` by a rule, each layer rounded once at a width.

    What a layer is given must not change from one time to the next.

    Args:
        name (str): A name in ``ROUNDINGS``.
        moments (Mapping[str, SecondMoments]): Of the input of a layer, by
            its module name in the float model.

    Attributes:
        measures (dict[tuple[str, int], Measures]): Of a layer at a width: Q,
            the SQNR of its output in dB, P, the mean squared error, and C,
            the bytes of its weights.
    """

    def __init__(self, name: str, moments: Mapping[str, SecondMoments]):
        self._rule, self._moments = ROUNDINGS.get(name), moments
        self._made: dict[tuple[str, int], Rounded] = {}
        self.measures: dict[tuple[str, int], Measures] = {}

    def __call__(self, layer: str, divisors: Tensor | None = None,
                 columns: Tensor | None = None,
                 gains: Tensor | None = None) -> Rounding:

        def rounding(weight: Tensor, least_scale: Tensor,
                     bits: int) -> Rounded:
            if (layer, bits) not in self._made:
                seen = moments_at(self._moments.get(layer), divisors, columns)
                made = self._rule(weight, least_scale, bits, moments=seen)
                self._made[layer, bits] = made
                self.measures[layer, bits] = measured(weight, made, bits, seen)
            return self._made[layer, bits]

        return rounding


def measured(weight: Tensor, made: Rounded, bits: int,
             moments: SecondMoments | None) -> Measures:
    """Q, P and C of a layer's integers.

    Args:
        weight (Tensor): float64 [N, K].
        made (Rounded): Its integers.
        bits (int): Their width.
        moments (SecondMoments | None): Of the input; None: inputs count
            alike.
    """
    error = weight - made.scale[:, None] * made.integers
    signal, noise = weight.square().sum(), error.square().sum()
    if moments is not None:
        covariance, mean = moments.covariance, moments.mean
        # The mean of the error is in the bias.
        noise = ((error @ covariance) * error).sum()
        signal = (((weight @ covariance) * weight).sum()
                  + (weight @ mean).square().sum())
    power = noise.item() / len(weight)
    size = packed_bytes(*weight.shape, bits)
    return Measures(decibel(signal.item() / len(weight), power), power, size)


def with_widths(roundings: Roundings, widths: Mapping[str, int]) -> Roundings:
    """The same roundings, at widths of some layers' own."""

    def rounding(layer: str, divisors: Tensor | None = None,
                 columns: Tensor | None = None,
                 gains: Tensor | None = None) -> Rounding:
        made = roundings(layer, divisors, columns, gains)
        return lambda weight, least_scale, bits: made(
            weight, least_scale, widths.get(layer, bits))

    return rounding
