"""Faster, Mask and Cascade R-CNN from pixels to results, on integers."""
from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .boxes import IntBoxes
from .masks import IntMasks
from .proposals import IntProposals
from .results import Detections, Sizes, detections, limits_of
from .trunk import IntTrunk


class IntRCNN(nn.Module):
    """The program.

    Args:
        trunk (IntTrunk): Of the image.
        proposals (IntProposals): Of the pyramid.
        boxes (IntBoxes): Of the proposals.
        masks (IntMasks | None): Of the boxes.
    """

    integer_region = True

    def __init__(self, trunk: IntTrunk, proposals: IntProposals,
                 boxes: IntBoxes, masks: IntMasks | None):
        super().__init__()
        self.trunk, self.proposals = trunk, proposals
        self.boxes, self.masks = boxes, masks

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
        pyramid = self.trunk(image)
        limits = limits_of(sizes, image.device)
        found = self.boxes(pyramid, self.proposals(pyramid, limits), limits)
        masks: Sequence[Tensor | None] = [None] * len(found)
        if self.masks is not None:
            masks = self.masks(pyramid, found)
        return detections(found, masks, sizes, rescale)
