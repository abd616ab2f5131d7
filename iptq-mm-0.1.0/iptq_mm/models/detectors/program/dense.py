"""Detections straight from anchors, on integers.

Lin et al., arXiv:1708.02002; mmdet's ``RetinaHead`` in a test.
"""
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .... import ops
from .anchors import IntAnchorHead
from .scores import Found, ScoreSoftmax


class IntDenseBoxes(nn.Module):
    """Pyramid -> detections of each image.

    Args:
        head (IntAnchorHead): Of all classes.
        softmax (ScoreSoftmax): Of a logit and 0: its sigmoid.
        count (int): Detections of an image.
        overlap (tuple[int, int]): Numerator and denominator of the overlap
            from which on a worse box of the same class goes.
    """

    def __init__(self, head: IntAnchorHead, softmax: ScoreSoftmax, count: int,
                 overlap: tuple[int, int]):
        super().__init__()
        self.head, self.softmax = head, softmax
        self.count, self.overlap = count, overlap

    def forward(self, pyramid: Sequence[Tensor],
                limits: Tensor) -> list[Found]:
        """
        Args:
            pyramid (Sequence[Tensor]): int16 [B, H_l, W_l, C].
            limits (Tensor): int32 [B, 2], see :class:`IntAnchorHead`.
        """
        found = []
        for some in self.head(pyramid, limits):
            kept = ops.nms(some.boxes, some.logits, some.labels,
                           *self.overlap)[:self.count]
            found.append(Found(some.boxes[kept],
                               sigmoid(some.logits[kept], self.softmax),
                               some.labels[kept]))
        return found


def sigmoid(logits: Tensor, softmax: ScoreSoftmax) -> Tensor:
    """Integers [N] -> int32 [N], 30 fractional bits."""
    logits = logits.to(torch.int32)
    return softmax(torch.stack([logits, torch.zeros_like(logits)], 1))[:, 0]
