"""Where objects may be: the region proposal network, on integers.

Ren et al., arXiv:1506.01497, section 3; mmdet's ``RPNHead`` in a test.
"""
from collections.abc import Sequence

from torch import Tensor, nn

from .... import ops
from .anchors import IntAnchorHead


class IntProposals(nn.Module):
    """Pyramid -> proposals of each image.

    Args:
        head (IntAnchorHead): Of one class.
        count (int): Proposals of an image.
        overlap (tuple[int, int]): Numerator and denominator of the overlap
            from which on a worse one of the same level goes.
    """

    def __init__(self, head: IntAnchorHead, count: int,
                 overlap: tuple[int, int]):
        super().__init__()
        self.head, self.count, self.overlap = head, count, overlap

    def forward(self, pyramid: Sequence[Tensor],
                limits: Tensor) -> list[Tensor]:
        """
        Args:
            pyramid (Sequence[Tensor]): int16 [B, H_l, W_l, C].
            limits (Tensor): int32 [B, 2], see :class:`IntAnchorHead`.

        Returns:
            list[Tensor]: int32 [N_i, 4] of each image, the best first.
        """
        proposals = []
        for found in self.head(pyramid, limits):
            kept = ops.nms(found.boxes, found.logits, found.levels,
                           *self.overlap)
            proposals.append(found.boxes[kept[:self.count]])
        return proposals
