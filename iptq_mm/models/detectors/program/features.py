"""Features of boxes: the maps that a head reads, and RoIAlign on them."""
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .... import ops
from ....nn import IntRequantize


class IntFeatures(nn.Module):
    """Levels of a pyramid brought to the scale of a head, and cut out.

    Args:
        strides (Sequence[int]): Pixels a position, of each level.
        areas (Sequence[int]): From which area on a box is of each level but
            the first, see ``ops.detection.boxes.level_areas``.
        size (int): Side of a box in features.
        sampling (int): As ``ops.roi_align`` takes it.
        bits (int): Width of the features.
    """

    def __init__(self, strides: Sequence[int], areas: Sequence[int],
                 size: int, sampling: int, bits: int):
        super().__init__()
        self.strides, self.areas = list(strides), list(areas)
        self.size, self.sampling = size, sampling
        self.narrow = nn.ModuleList(IntRequantize(bits) for _ in strides)

    def forward(self, pyramid: Sequence[Tensor], boxes: Tensor,
                images: Tensor) -> Tensor:
        """
        Args:
            pyramid (Sequence[Tensor]): int16 [B, H_l, W_l, C].
            boxes (Tensor): int32 [N, 4], see ``ops/detection/boxes.py``.
            images (Tensor): int64 [N], which of the B.

        Returns:
            Tensor: int8 [N, size, size, C].
        """
        maps = [narrow(x) for narrow, x in zip(self.narrow, pyramid)]
        return ops.roi_align(maps, self.strides, boxes, images,
                             ops.box_levels(boxes, self.areas), self.size,
                             self.size, self.sampling)


def of_images(boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Boxes of several images in one tensor.

    Returns:
        tuple[Tensor, Tensor]: int32 [N, 4], and int64 [N], whose they are.
    """
    images = [
        torch.full((some.shape[0], ), i, dtype=torch.int64, device=some.device)
        for i, some in enumerate(boxes)
    ]
    return torch.cat([*boxes]), torch.cat(images)
