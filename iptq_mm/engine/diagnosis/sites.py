"""What the integers of a backbone must hold, on calibration and test images.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...calibration import ChannelRange, Collector, Observer, Site, collect
from ...calibration.histogram import Histogram, bin_edges
from ...calibration.thresholds import least_squares
from ...lowering import lowering_of, watchable
from ..quantization.calibrate import Calibration
from ..quantization.quantize import equalized_backbone
from .cause import Cause

CLIPPED, TIMES = .01, 4.
"""Share of the test images' values that may be clipped, and how many times
the share of the calibration images'."""

MANY = .05
"""Share of the sites that must be clipped so to be worth a word: of hundreds
of tensors some few always are."""

STANDS_OUT = 30.
"""How many times the median channel's range the largest may have, where
channels are not equalized."""

FARTHEST = 3.
"""How many times the range of least squared error an observer's range may
be."""


class SeenSite(NamedTuple):
    """A tensor of the float model that will be integers.

    Args:
        name (str): Module and port.
        threshold (float): Where the integers end.
        clipped (float): Share of the test images' values beyond it.
        expected (float): Likewise of the calibration images'.
        farthest (float): The threshold over that of least squared error.
    """
    name: str
    threshold: float
    clipped: float
    expected: float
    farthest: float

    @property
    def saturates(self) -> bool:
        """Whether test images are clipped as calibration images are not."""
        return self.clipped > max(CLIPPED, TIMES * self.expected)


def share_beyond(histogram: Histogram, threshold: float) -> float:
    """Share of magnitudes above a threshold, to a bin's width (0.8 %)."""
    bins, counts = histogram.occupied()
    lower, _ = bin_edges(bins)
    return (counts[lower > threshold].sum() / counts.sum()).item()


def seen_sites(backbone: nn.Module, calibration: Calibration,
               test: Sequence[Tensor], bits: Mapping[str, int],
               equalize: bool) -> list[SeenSite]:
    """The sites of 8 bits and less, those that clip most first.

    Args:
        backbone (nn.Module): Float, in evaluation mode.
        calibration (Calibration): What it was calibrated on, and how.
        test (Sequence[Tensor]): Normalized test images, [B, C, H, W] each.
        bits (Mapping[str, int]): Widths of the hook.
        equalize (bool): As the hook does.
    """
    backbone = watchable(backbone)
    if equalize:
        backbone = equalized_backbone(backbone, bits, calibration)
    sites = {name: site
             for name, site in lowering_of(backbone, bits).sites().items()
             if site.bits <= 8 and not site.bounded}
    # Every rule finds in a histogram what it asks for.
    shown = {name: Observer(Histogram(), observer.rule)
             for name, observer in calibration.observers(sites).items()}
    _watch(backbone, sites, shown, calibration.batches,
           calibration.num_batches)
    tested = {name: Histogram() for name in sites}
    _watch(backbone, sites, tested, test, len(test))
    found = [_seen(name, sites[name], shown[name], tested[name])
             for name in sites]
    return sorted(found, key=lambda site: -site.clipped)


def _watch(backbone: nn.Module, sites: Mapping[str, Site],
           observers: Mapping, batches: Iterable[Tensor],
           count: int) -> None:
    with torch.no_grad():
        collect(Collector(backbone, sites, observers), backbone, batches,
                count)


def _seen(name: str, site: Site, shown: Observer[Histogram],
          tested: Histogram) -> SeenSite:
    threshold = shown.threshold(site.bits) * site.headroom
    least = least_squares(shown.statistics, site.bits) * site.headroom
    return SeenSite(
        name, threshold, share_beyond(tested, threshold),
        share_beyond(shown.statistics, threshold),
        threshold / least if least else 1.)


def channel_ratios(backbone: nn.Module, batches: Sequence[Tensor],
                   bits: Mapping[str, int]) -> dict[str, float]:
    """Range of the largest channel of each LayerNorm's output over that of
    the median channel.

    Args:
        backbone (nn.Module): Float, in evaluation mode.
        batches (Sequence[Tensor]): Normalized images, [B, C, H, W] each.
        bits (Mapping[str, int]): Widths of the hook.
    """
    backbone = watchable(backbone)
    names = lowering_of(backbone, bits).readers()
    channels = {name: ChannelRange() for name in names}
    _watch(backbone, {name: Site(name, 'output', 16) for name in names},
           channels, batches, len(batches))
    return {name: (seen.largest.max() / seen.largest.median()).item()
            for name, seen in channels.items()}


def causes_in_sites(sites: Sequence[SeenSite]) -> list[Cause]:
    """
    Args:
        sites (Sequence[SeenSite]): Of :func:`seen_sites`.
    """
    found = []
    full = [site for site in sites if site.saturates]
    if len(full) > MANY * len(sites):
        worst = full[0]
        found.append(Cause(
            'test images are clipped',
            f'{len(full)} of {len(sites)} sites clip what calibration has not '
            f'seen; {worst.name} clips {100 * worst.clipped:.1f} % of its '
            f'values, and {100 * worst.expected:.1f} % of those of '
            f'calibration images.',
            'More calibration images, or such as are more like the test '
            'images.'))
    far = sorted((site for site in sites if site.farthest > FARTHEST),
                 key=lambda site: -site.farthest)
    if far:
        worst = far[0]
        found.append(Cause(
            'ranges reach as far as the farthest outlier',
            f'{len(far)} of {len(sites)} sites; {worst.name} reaches '
            f'{worst.farthest:.1f} times as far as would cost least.',
            'custom_hooks.0.observer.type=mse'))
    return found


def causes_in_ratios(ratios: Mapping[str, float]) -> list[Cause]:
    """
    Args:
        ratios (Mapping[str, float]): Of :func:`channel_ratios`, where
            channels are not equalized.
    """
    worst = max(ratios, key=lambda name: ratios[name], default=None)
    if worst is None or ratios[worst] <= STANDS_OUT:
        return []
    return [Cause(
        'channels stand out, and are not equalized',
        f'the largest channel of {worst} reaches {ratios[worst]:.0f} times '
        f'as far as the median channel.', 'custom_hooks.0.equalize=True')]
