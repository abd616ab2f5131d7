"""Faults of how images enter the float model, by how sure it is of them.

A model that was trained on images in one form is surer of them in that form
than in another.
"""
from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

import torch
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from ...environment import is_detector
from .cause import Cause
from .images import Pixels

NORMAL_MEAN, NORMAL_SPREAD = 2.5, (.15, 4.)
"""What normalized images have: mean, less than so large, and standard
deviation."""

SURER = 1.02
"""By how much surer a model must be of images with exchanged channels."""

NORMALIZATIONS: dict[str, tuple[Sequence[float], Sequence[float]]] = {
    'ImageNet\'s': ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
    'from -1 to 1': ([127.5] * 3, [127.5] * 3),
    'from 0 to 1': ([0.] * 3, [255.] * 3),
    'CIFAR-10\'s': ([125.307, 122.961, 113.8575],
                    [51.5865, 50.847, 51.255]),
}
"""Mean and standard deviation, in units of the pixels: what networks are
trained with."""


def first_batches(loader: DataLoader, images: int) -> list[Mapping]:
    """So many images at least, as the test loop has them."""
    return list(islice(loader, -(-images // (loader.batch_size or 1))))


def causes_in_normalization(runner: Runner, batches: Sequence[Mapping],
                            test: Pixels) -> list[Cause]:
    """Whether normalized images look as if they were not, and which
    normalization would make the float model surest.

    Args:
        runner (Runner): With the float model.
        batches (Sequence[Mapping]): Of test images.
        test (Pixels): Of test images, normalized.
    """
    least, most = NORMAL_SPREAD
    if abs(test.mean) <= NORMAL_MEAN and least <= test.spread <= most:
        return []
    sure = {}
    for name, (mean, std) in NORMALIZATIONS.items():
        with normalized(runner.model, mean, std):
            sure[name] = _certainty(runner.model, batches)
    best = max(sure, key=lambda name: sure[name])
    mean, std = NORMALIZATIONS[best]
    return [Cause(
        'wrong normalization',
        f'normalized test images have mean {test.mean:.2f} and standard '
        f'deviation {test.spread:.2f}, which should be near 0 and 1. Of the '
        f'usual ones the float model is surest with {best}.',
        f'model.data_preprocessor.mean={_list(mean)} '
        f'model.data_preprocessor.std={_list(std)}')]


def causes_in_channels(runner: Runner,
                       batches: Sequence[Mapping]) -> list[Cause]:
    """Whether the float model is surer with red and blue exchanged.

    Args:
        runner (Runner): With the float model.
        batches (Sequence[Mapping]): Of test images.
    """
    sure = _certainty(runner.model, batches)
    exchanged = _certainty(runner.model, [
        dict(data, inputs=[image.flip(0) for image in data['inputs']])
        for data in batches
    ])
    if exchanged <= SURER * sure:
        return []
    own = runner.cfg.model.get('data_preprocessor')
    wanted = own and not own.get('bgr_to_rgb', False)
    return [Cause(
        'wrong order of the channels',
        f'the float model is surer of test images whose red and blue are '
        f'exchanged ({exchanged:.3f} beside {sure:.3f}).',
        'the order in which the data set reads its images' if own is None
        else f'model.data_preprocessor.bgr_to_rgb={wanted}')]


@contextmanager
def normalized(model: nn.Module, mean: Sequence[float],
               std: Sequence[float]) -> Iterator[None]:
    """Another normalization in the model's data preprocessor, for a while."""
    before = model.data_preprocessor
    other = model.data_preprocessor = copy.deepcopy(before)
    for name, values in (('mean', mean), ('std', std)):
        if not hasattr(other, name):
            other.register_buffer(name, None, False)
        setattr(other, name,
                torch.tensor(values, device=before.device).view(-1, 1, 1))
    other._enable_normalize = True
    try:
        yield
    finally:
        model.data_preprocessor = before


@torch.no_grad()
def _certainty(model: nn.Module, batches: Sequence[Mapping]) -> float:
    """Mean score of what the images show, the best of each image."""
    best: list[float] = []
    for data in batches:
        for sample in model.test_step(dict(data)):
            scores = (sample.pred_instances.scores if is_detector(model)
                      else sample.pred_score)
            best.append(float(scores.max()) if scores.numel() else 0.)
    return sum(best) / len(best)


def _list(values: Sequence[float]) -> str:
    return '[' + ','.join(f'{value:g}' for value in values) + ']'
