"""Generated images of one shape each, for a classifier that needs no files."""
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor
from torch.utils.data import Dataset

from ..registry import DATASETS
from .outlines import OUTLINES
from .painting import paint
from .scene import MAX_TILT, Figure, Scene
from .seeds import generators, scene_key


@DATASETS.register_module()
class SingleShapesDataset(Dataset):
    """One geometric shape over a texture, labelled by its kind.

    As ``ShapesDataset`` paints them, but one in each image, and large. An
    item is that of ``TimmImageDataset``: ``inputs`` (Tensor), uint8
    [3, side, side], RGB, and ``data_samples`` (BaseDataElement) with
    ``gt_label`` (int). An image is painted when it is first asked for.

    Args:
        split (str): 'train' or 'val'. They share no image's seed.
        num_images (int): Number of images, at least 1; every class has as
            many, give or take one.
        side (int): Side of the square images in pixels. Defaults to 64.
        seed (int): The same seed gives the same images. Defaults to 0.

    Raises:
        ValueError: A split, number or seed that cannot be.
    """

    metainfo = dict(classes=tuple(OUTLINES))

    def __init__(self, split: str, num_images: int, side: int = 64,
                 seed: int = 0):
        if num_images < 1:
            raise ValueError(f'num_images is at least 1, not {num_images}')
        self._keys = [scene_key(seed, split, i) for i in range(num_images)]
        self._side = side
        self._painted: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, index: int) -> dict[str, Any]:
        label = range(len(self))[index] % len(OUTLINES)
        if index not in self._painted:
            self._painted[index] = self._paint(index, label)
        sample = BaseDataElement(metainfo=dict(img_path=f'{index}'))
        sample.set_field(label, 'gt_label')
        return dict(inputs=self._painted[index], data_samples=sample)

    def _paint(self, index: int, label: int) -> Tensor:
        placing, looks = generators(self._keys[index])
        side, (x, y, size, aspect, angle) = self._side, placing.random(5)
        figure = Figure(
            label=label,
            x=side * (0.4 + 0.2 * x),
            y=side * (0.4 + 0.2 * y),
            radius=side * (0.22 + 0.18 * size),
            aspect=0.7 + 0.3 * aspect,
            angle=MAX_TILT * (2 * angle - 1))
        owner = np.where(figure.mask(side), 0, -1)
        image = paint(Scene(side, [figure], owner), looks)
        return torch.from_numpy(image).permute(2, 0, 1).contiguous()
