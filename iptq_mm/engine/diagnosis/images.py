"""Faults of the images that a model is shown, seen without quantizing."""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .cause import Cause

FEW = 8
"""Fewer calibration images leave ranges to chance."""

UNLIKE = 1.
"""Standard deviations that the means of two sets of images may lie apart."""

FLAT = .5
"""Share of the contrast of the test images that others must have."""


class Pixels(NamedTuple):
    """Of all pixels of some normalized images."""
    mean: float
    spread: float


def pixels_of(batches: Sequence[Tensor]) -> Pixels:
    """
    Args:
        batches (Sequence[Tensor]): [B, C, H, W] each.
    """
    values = torch.cat([batch.float().flatten() for batch in batches])
    return Pixels(float(values.mean()), float(values.std()))


def causes_in_images(calibration: Sequence[Tensor],
                     test: Sequence[Tensor]) -> list[Cause]:
    """
    Args:
        calibration, test (Sequence[Tensor]): Normalized images, [B, C, H, W]
            each.
    """
    found = []
    count = sum(len(batch) for batch in calibration)
    ours, theirs = pixels_of(calibration), pixels_of(test)
    if count < FEW:
        found.append(Cause(
            'few calibration images', f'{count} of them.',
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
