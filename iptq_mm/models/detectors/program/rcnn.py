"""Faster, Mask and Cascade R-CNN from pixels to results, on integers."""
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .... import ops
from ....arithmetic import floor_divide
from ....nn import IntRequantize
from .boxes import IntBoxes
from .masks import IntMasks
from .proposals import IntProposals


class Sizes(NamedTuple):
    """An image in a batch.

    Args:
        inside (tuple[int, int]): Height and width without the padding.
        original (tuple[int, int]): Height and width that it had.
    """
    inside: tuple[int, int]
    original: tuple[int, int]


class Detections(NamedTuple):
    """What is found in an image, the best first.

    Args:
        boxes (Tensor): int32 [N, 4], in 256ths of a pixel of the original
            image, or of the one that the detector saw.
        scores (Tensor): int32 [N], 30 fractional bits.
        labels (Tensor): int64 [N].
        masks (Tensor | None): int16 [N, 2 S, 2 S], the probability of each
            cell of the box, 14 fractional bits.
    """
    boxes: Tensor
    scores: Tensor
    labels: Tensor
    masks: Tensor | None


class IntRCNN(nn.Module):
    """The program.

    Args:
        backbone (nn.Module): int8 image [B, C, H, W] -> integers
            [B, H_i, W_i, C_i].
        neck (nn.Module): int8 of those -> integers [B, H_l, W_l, C], the
            pyramid.
        levels (int): Of the backbone.
        bits (int): Width of what the neck reads.
        proposals (IntProposals): Of the pyramid.
        boxes (IntBoxes): Of the proposals.
        masks (IntMasks | None): Of the boxes.
    """

    integer_region = True

    def __init__(self, backbone: nn.Module, neck: nn.Module, levels: int,
                 bits: int, proposals: IntProposals, boxes: IntBoxes,
                 masks: IntMasks | None):
        super().__init__()
        self.backbone, self.neck = backbone, neck
        self.narrow = nn.ModuleList(
            IntRequantize(bits) for _ in range(levels))
        self.proposals, self.boxes, self.masks = proposals, boxes, masks

    def forward(self, image: Tensor, sizes: Sequence[Sizes],
                rescale: bool) -> list[Detections]:
        """
        Args:
            image (Tensor): int8 [B, C, H, W], as the backbone takes it.
            sizes (Sequence[Sizes]): Of each image.
            rescale (bool): Whether boxes are those of the original image.

        Returns:
            list[Detections]: Of each image.
        """
        pyramid = self.neck(*(
            narrow(x)
            for narrow, x in zip(self.narrow, self.backbone(image))))
        limits = torch.tensor(
            [[width << ops.COORDINATE_BITS, height << ops.COORDINATE_BITS]
             for (height, width), _ in sizes],
            dtype=torch.int32, device=image.device)
        found = self.boxes(pyramid, self.proposals(pyramid, limits), limits)
        masks: Sequence[Tensor | None] = [None] * len(found)
        if self.masks is not None:
            masks = self.masks(pyramid, found)
        return [
            Detections(rescaled(one.boxes, size) if rescale else one.boxes,
                       one.scores, one.labels, mask)
            for one, size, mask in zip(found, sizes, masks, strict=True)
        ]


def rescaled(boxes: Tensor, size: Sizes) -> Tensor:
    """Boxes in the original image: a coordinate times the ratio of the two
    sizes along its axis, rounded."""
    (height, width), (tall, broad) = size
    ratio = boxes.new_tensor([broad, tall]).to(torch.int64).repeat(2)
    whole = boxes.new_tensor([width, height]).to(torch.int64).repeat(2)
    return floor_divide(2 * boxes * ratio + whole, 2 * whole).to(torch.int32)
