"""Faults of the images that a model is shown, seen without quantizing."""
from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor

from .cause import Cause

FEW = 8
"""Fewer calibration images leave ranges to chance."""

UNLIKE = 1.
"""Standard deviations that the means of two sets of images may lie apart."""

FLAT = .5
"""Share of the contrast of the test images that others must have."""


class Pixels(NamedTuple):
    """Of some normalized images: their number, and of all their pixels mean
    and standard deviation."""
    images: int
    mean: float
    spread: float


def pixels_of(batches: Iterable[Tensor]) -> Pixels:
    """
    Args:
        batches (Iterable[Tensor]): [B, C, H, W] each; looked at one by one.
    """
    images, count, total, squares = 0, 0, 0., 0.
    for batch in batches:
        values = batch.double()
        images, count = images + len(batch), count + batch.numel()
        total += values.sum().item()
        squares += values.square().sum().item()
    mean = total / count
    return Pixels(images, mean, math.sqrt(max(0., squares / count - mean**2)))


def causes_in_images(ours: Pixels, theirs: Pixels) -> list[Cause]:
    """
    Args:
        ours, theirs (Pixels): Of calibration and of test images.
    """
    found = []
    if ours.images < FEW:
        found.append(Cause(
            'few calibration images', f'{ours.images} of them.',
            'custom_hooks.0.num_batches=32'))
    if (ours.spread < FLAT * theirs.spread
            or abs(ours.mean - theirs.mean) > UNLIKE * theirs.spread):
        found.append(Cause(
            'calibration images unlike the test images',
            f'normalized, they have mean {ours.mean:.2f} and standard '
            f'deviation {ours.spread:.2f}, the test images '
            f'{theirs.mean:.2f} and {theirs.spread:.2f}.',
            'calib_dataloader: images of the kind that is tested'))
    return found
