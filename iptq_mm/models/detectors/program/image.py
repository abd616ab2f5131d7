"""A detector of one image, from its pixels to masks: what an exported file is.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from .... import ops
from .results import Sizes


class IntImageDetector(nn.Module):
    """An image of any size -> what is found in it.

    Args:
        program (nn.Module): ``IntRCNN`` or ``IntOneStage``.
        entry (nn.Module): What makes of the image what the program takes;
            pads it.
        least_probability (int): Of a pixel of a mask, 14 fractional bits.
    """

    integer_region = True

    def __init__(self, program: nn.Module, entry: nn.Module,
                 least_probability: int):
        super().__init__()
        self.entry, self.program = entry, program
        self.least_probability = least_probability

    def forward(self, image: Tensor, size: Tensor) -> tuple[Tensor, ...]:
        """
        Args:
            image (Tensor): uint8 pixels or int8 [1, C, H, W], without
                padding.
            size (Tensor): int64 [2], height and width of the original image,
                which the boxes and masks will be in; 0 for those of
                ``image``.

        Returns:
            tuple[Tensor, ...]: int32 boxes [N, 4] in 256ths of a pixel, int32
            scores [N] with 30 fractional bits, int64 labels [N] and, if the
            detector has masks, bool masks [N, height, width].
        """
        inside = image.shape[2:]
        original = torch.where(size > 0, size,
                               torch.tensor(inside, device=size.device))
        found, = self.program(
            self.entry(image),
            [Sizes(inside, (original[0].item(), original[1].item()))], True)
        if found.masks is None:
            return found.boxes, found.scores, found.labels
        masks = ops.paste_masks(found.masks, found.boxes, original,
                                self.least_probability)
        return found.boxes, found.scores, found.labels, masks


class IntPadding(nn.Module):
    """Zeros at the bottom and on the right.

    Args:
        multiple (int): Of which height and width become multiples.
    """

    def __init__(self, multiple: int):
        super().__init__()
        self.multiple = multiple

    def forward(self, image: Tensor) -> Tensor:
        """int8 [B, C, H, W] -> int8 [B, C, H', W']."""
        return ops.padded(image, self.multiple)
