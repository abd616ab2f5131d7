"""Labelled images in a folder or a tar, read and transformed by timm."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import timm
from mmengine.structures import BaseDataElement
from timm.data import (
    ImageDataset,
    ImageNetInfo,
    create_transform,
    resolve_data_config,
)
from torch.utils.data import Dataset

from ..registry import DATASETS


def imagenet_classes() -> dict[str, int]:
    """Label of each of ImageNet-1k's 1000 synsets."""
    names = ImageNetInfo('imagenet-1k').label_names()
    return {name: label for label, name in enumerate(names)}


@DATASETS.register_module()
class TimmImageDataset(Dataset):
    """Images ``.../CLASS/NAME``, cut and scaled as a model of timm wants it.

    An item is a dictionary of ``inputs`` (Tensor): uint8 [3, H, W], RGB, and
    ``data_samples`` (BaseDataElement) with ``gt_label`` (int) and the
    metainfo ``img_path``.

    Args:
        data_root (str): Folder or tar.
        name (str): A model of timm; its ``pretrained_cfg`` gives size, crop
            and interpolation.
        input_size (int, optional): Side of the images, instead of that.
        crop_pct (float, optional): Share of the scaled side that is kept,
            instead of that.
        imagenet (bool): Whether the classes are synsets of ImageNet-1k and
            labelled as such, also where some are missing. Otherwise the
            classes that are there are numbered by their names. Defaults to
            False.
        num_images (int, optional): Size of a random sample; at least 1.
            Defaults to all.
        seed (int): Of the sample. Defaults to 0.
        augment (dict, optional): ``timm.data.create_transform``'s settings
            for training images; None for evaluation.

    Raises:
        RuntimeError, AssertionError: timm's, where there are no images.
        ValueError: If fewer images are there than were asked for.
    """

    def __init__(self,
                 data_root: str,
                 name: str,
                 input_size: int | None = None,
                 crop_pct: float | None = None,
                 imagenet: bool = False,
                 num_images: int | None = None,
                 seed: int = 0,
                 augment: Mapping[str, Any] | None = None):
        settings = resolve_data_config(
            dict(img_size=input_size, crop_pct=crop_pct),
            pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
        training = augment is not None
        self._images = ImageDataset(
            data_root,
            class_map=imagenet_classes() if imagenet else None,
            transform=create_transform(
                **settings, is_training=training, normalize=False,
                **(augment or {})))
        self._order = np.arange(len(self._images))
        if num_images is not None:
            if not 1 <= num_images <= len(self._images):
                raise ValueError(f'{data_root} has {len(self._images)} '
                                 f'images, {num_images} were asked for')
            self._order = np.random.default_rng(seed).permutation(
                self._order)[:num_images]

    @property
    def metainfo(self) -> dict[str, tuple[str, ...]]:
        """``classes``: their names in the order of the labels."""
        reader = self._images.reader
        labels = (getattr(reader, 'class_to_idx', None)
                  or reader.class_name_to_idx)
        return dict(classes=tuple(sorted(labels, key=labels.get)))

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> dict[str, Any]:
        number = int(self._order[index])
        image, label = self._images[number]
        sample = BaseDataElement(
            metainfo=dict(img_path=self._images.filename(number)))
        sample.set_field(label, 'gt_label')
        return dict(inputs=image, data_samples=sample)
