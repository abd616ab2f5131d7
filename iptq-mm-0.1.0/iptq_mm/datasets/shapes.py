"""Generated images with instance masks, for a run that needs no files."""
from typing import List, Tuple

import numpy as np
from mmdet.datasets.base_det_dataset import BaseDetDataset
from pycocotools import mask as mask_utils

from ..registry import DATASETS
from .outlines import OUTLINES
from .painting import paint
from .scene import Scene
from .seeds import generators, scene_key


def _instance(mask: np.ndarray, label: int) -> dict:
    """What mmdet calls an instance, of a bool mask [H, W] that is not
    empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    code = mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))
    return dict(
        bbox=[
            float(columns[0]),
            float(rows[0]),
            float(columns[-1] + 1),
            float(rows[-1] + 1)
        ],
        bbox_label=label,
        ignore_flag=0,
        mask=dict(size=list(code['size']), counts=code['counts'].decode()))


@DATASETS.register_module()
class ShapesDataset(BaseDetDataset):
    """Geometric shapes over textures, generated from a seed.

    Figures of seven classes, from 25 to 170 pixels long at the default
    side, tilted, stretched, shaded, each class in hues of its own, and lying
    over one another. A mask is the part of a figure that is seen. Images are
    painted when they are asked for, and handed to the pipeline under ``img``:
    the pipeline begins with mmdet's ``LoadImageFromNDArray``. For
    ``CocoMetric`` without an annotation file, pack ``instances`` among the
    ``meta_keys``.

    Args:
        split (str): 'train' or 'val'. They share no image's seed.
        num_images (int): Number of images, at least 1.
        side (int): Side of the square images in pixels. Defaults to 192.
        seed (int): The same seed gives the same images. Defaults to 0.
        **kwargs: As ``mmdet.BaseDetDataset``: ``pipeline``, ``test_mode``,
            ``indices``, ``lazy_init`` and so on.

    Raises:
        ValueError: A split, number, side or seed that cannot be.
    """

    METAINFO = dict(
        classes=tuple(OUTLINES),
        palette=[(220, 20, 60), (0, 114, 189), (237, 177, 32), (126, 47, 142),
                 (119, 172, 48), (77, 190, 238), (217, 83, 25)])

    def __init__(self,
                 split: str,
                 num_images: int,
                 side: int = 192,
                 seed: int = 0,
                 **kwargs) -> None:
        if num_images < 1:
            raise ValueError(f'num_images is at least 1, not {num_images}')
        self.keys = [scene_key(seed, split, i) for i in range(num_images)]
        self.side = side
        super().__init__(**kwargs)

    def load_data_list(self) -> List[dict]:
        """The annotations of all images."""
        return [
            self._describe(index, key) for index, key in enumerate(self.keys)
        ]

    def _describe(self, index: int, key: Tuple[int, int, int]) -> dict:
        scene = Scene.sample(generators(key)[0], self.side)
        instances = [
            _instance(scene.visible(i), figure.label)
            for i, figure in enumerate(scene.figures)
        ]
        return dict(
            img_id=index,
            key=key,
            height=self.side,
            width=self.side,
            instances=instances)

    def get_data_info(self, idx: int) -> dict:
        """The annotation of one image, and the image.

        Args:
            idx (int): Index of the image.

        Returns:
            dict: mmdet's data info, with ``img`` (np.ndarray): uint8
            [side, side, 3], BGR.
        """
        info = super().get_data_info(idx)
        placing, painting = generators(info['key'])
        info['img'] = paint(Scene.sample(placing, self.side), painting)
        return info
