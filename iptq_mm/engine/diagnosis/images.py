"""Faults of what a model is shown, seen without quantizing anything."""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmengine.runner import Runner
from torch import Tensor, nn

from ...environment import is_detector

FEW = 8
"""Fewer calibration images leave ranges to chance."""

UNLIKE = 1.
"""Standard deviations that the means of two sets of images may lie apart."""

FLAT = .5
"""Share of the contrast of the test images that others must have."""

NORMAL_MEAN, NORMAL_SPREAD = 2.5, (.15, 4.)
"""What normalized images have: mean, less than so large, and standard
deviation."""

SURER = 1.02
"""By how much surer a model must be of images with exchanged channels."""


class Cause(NamedTuple):
    """What is wrong, and what repairs it."""
    name: str
    seen: str
    remedy: str


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
            'More of them: num_batches, or --num-calib 32.'))
    if (ours.spread < FLAT * theirs.spread
            or abs(ours.mean - theirs.mean) > UNLIKE * theirs.spread):
        found.append(Cause(
            'calibration images unlike the test images',
            f'normalized, they have mean {ours.mean:.2f} and standard '
            f'deviation {ours.spread:.2f}, the test images '
            f'{theirs.mean:.2f} and {theirs.spread:.2f}.',
            'Calibrate on images of the kind that is tested '
            '(calib_dataloader).'))
    least, most = NORMAL_SPREAD
    if abs(theirs.mean) > NORMAL_MEAN or not least < theirs.spread < most:
        found.append(Cause(
            'wrong normalization',
            f'normalized test images have mean {theirs.mean:.2f} and '
            f'standard deviation {theirs.spread:.2f}, which should be near 0 '
            f'and 1.',
            'mean and std of the data preprocessor, in units of the pixels.'))
    return found


@torch.no_grad()
def causes_in_channels(runner: Runner, images: int) -> list[Cause]:
    """Whether the float model is surer with red and blue exchanged.

    Args:
        runner (Runner): With the float model, and test images of uint8.
        images (int): How many to look at.
    """
    model = runner.model
    sure, exchanged, seen = 0., 0., 0
    for data in runner.test_dataloader:
        sure += _certainty(model, data)
        data['inputs'] = [image.flip(0) for image in data['inputs']]
        exchanged += _certainty(model, data)
        seen += len(data['inputs'])
        if seen >= images:
            break
    if exchanged <= SURER * sure:
        return []
    return [Cause(
        'wrong order of the channels',
        f'the float model is surer of test images whose red and blue are '
        f'exchanged ({exchanged / seen:.3f} beside {sure / seen:.3f}).',
        'bgr_to_rgb of the data preprocessor, or how images are read.')]


def _certainty(model: nn.Module, data: dict) -> float:
    """Scores of what a batch's images show, the best of each image."""
    total = 0.
    for sample in model.test_step(data):
        scores = (sample.pred_instances.scores if is_detector(model)
                  else sample.pred_score)
        total += float(scores.max()) if scores.numel() else 0.
    return total
