"""Rules that turn the statistics of a site into a clipping threshold.

Pure functions of a :class:`Range` or :class:`Histogram`. A threshold T is a
magnitude: a ``bits``-bit quantizer has the step s = T / (2^(bits-1) - 1), is
symmetric about zero and clips at +-T. T is 0 where only zeros were seen.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor

from ..arithmetic import qmax
from .histogram import Histogram, bin_edges
from .range import Range

OCTAVES = 8
"""``least_squares`` looks for T between the largest magnitude and 2^-8 of it:
4 bits and outliers 40 times the median need less than 6 octaves."""

TRIALS_PER_OCTAVE = 32
"""Neighbouring trials differ by 2.2 %; the error is flat at its minimum."""


def largest(statistics: Range | Histogram, bits: int,
            headroom: float) -> float:
    """So many times the largest magnitude: nothing that was seen is clipped,
    whatever the width."""
    return headroom * statistics.magnitude


def percentile(statistics: Histogram, bits: int, percent: float) -> float:
    """The least T that at least ``percent`` % of all magnitudes do not
    exceed, rounded up to the end of its bin (less than 0.8 % above), and no
    more than the largest magnitude.

    It does not look at ``bits``: for a wide site, such as a 16-bit residual
    stream, where clipping costs more than it saves, take another rule.
    """
    bins, counts = statistics.occupied()
    largest_seen = statistics.range.magnitude
    rank = math.ceil(counts.sum().item() * percent / 100)
    position = torch.searchsorted(counts.cumsum(0), rank)
    _, upper = bin_edges(bins[position])
    # Bin 0 holds the zeros, and nothing that a quantizer could tell from 0.
    return min(upper.item(), largest_seen) if bins[position] else 0.


def least_squares(statistics: Histogram, bits: int) -> float:
    """The T of least mean squared error, rounding and clipping together."""
    magnitude = statistics.range.magnitude
    if magnitude == 0:
        return 0.
    octaves = torch.arange(OCTAVES * TRIALS_PER_OCTAVE + 1).double()
    trials = magnitude * torch.exp2(-octaves / TRIALS_PER_OCTAVE)
    return trials[squared_errors(statistics, trials, bits).argmin()].item()


def squared_errors(statistics: Histogram, thresholds: Tensor,
                   bits: int) -> Tensor:
    """Mean squared error of quantization at several thresholds.

    Inside a bin the magnitudes are taken as evenly spread. Then the error is
    an exact integral, also where a bin is much wider than a step, as it is
    for 16 bits.

    Args:
        statistics (Histogram): Not empty, not only zeros.
        thresholds (Tensor): float64 [T], positive.
        bits (int): Width of the quantizer.

    Returns:
        Tensor: float64 [T].
    """
    bins, counts = statistics.occupied()
    lower, upper = bin_edges(bins)
    # No value lies above the largest one: without the first line a T equal
    # to it would seem to clip. It may be its bin's lower end, hence the next.
    upper = upper.clamp(max=statistics.range.magnitude)
    upper = torch.maximum(upper, lower * (1 + 2**-20))
    density = counts / (upper - lower)
    levels, steps = qmax(bits), thresholds[:, None] / qmax(bits)

    def integral(x: Tensor) -> Tensor:
        """Integral of the squared error from 0 to x: a twelfth of a cubed
        step for each level passed, and a cube from the nearest level on."""
        level = (x / steps).round().clamp(max=levels)
        return level * steps**3 / 12 + (x - level * steps)**3 / 3

    errors = (integral(upper) - integral(lower)) @ density
    return errors / counts.sum()
