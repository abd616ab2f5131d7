"""Where objects may be: the region proposal network, on integers.

Ren et al., arXiv:1506.01497, section 3; mmdet's ``RPNHead`` in a test.
"""
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .... import ops
from ....nn import IntRequantize


class ProposalRules(NamedTuple):
    """What is kept.

    Args:
        per_level (int): Best anchors of each level that are decoded.
        count (int): Proposals of an image.
        overlap (tuple[int, int]): Numerator and denominator of the overlap
            from which on a worse one goes.
        least_side (int): Width and height that a box must exceed, in
            coordinates.
    """
    per_level: int
    count: int
    overlap: tuple[int, int]
    least_side: int


class IntProposals(nn.Module):
    """Pyramid -> proposals of each image.

    Scores stay logits: sigmoid keeps their order, and only that counts.

    Args:
        body (nn.Module): int8 [B, H, W, C] -> scores [B, H, W, A] and deltas
            [B, H, W, 4 A].
        strides (Sequence[int]): Pixels a position, of each level.
        anchors (Tensor): int32 [levels, A, 4], around the corner of a
            position, coordinates.
        rules (ProposalRules): What is kept.
        bits (int): Width of what the body reads.
    """

    def __init__(self, body: nn.Module, strides: Sequence[int],
                 anchors: Tensor, rules: ProposalRules, bits: int):
        super().__init__()
        self.narrow = nn.ModuleList(IntRequantize(bits) for _ in strides)
        self.body, self.strides, self.rules = body, list(strides), rules
        self.register_buffer('anchors', anchors)
        self.register_buffer('m', torch.zeros(4, dtype=torch.int64))
        self.register_buffer('n', torch.zeros(4, dtype=torch.int64))

    def forward(self, pyramid: Sequence[Tensor],
                limits: Tensor) -> list[Tensor]:
        """
        Args:
            pyramid (Sequence[Tensor]): int16 [B, H_l, W_l, C].
            limits (Tensor): int32 [B, 2], width and height of each image
                without its padding, coordinates.

        Returns:
            list[Tensor]: int32 [N_i, 4] of each image, the best first.
        """
        outputs = [
            self.body(narrow(x)) for narrow, x in zip(self.narrow, pyramid)
        ]
        return [self._of_image(outputs, i, limit)
                for i, limit in enumerate(limits)]

    def _of_image(self, outputs: Sequence[tuple[Tensor, Tensor]], image: int,
                  limit: Tensor) -> Tensor:
        scores, boxes, levels = [], [], []
        for level, (logits, deltas) in enumerate(outputs):
            flat = logits[image].flatten()  # row, column, anchor
            places = torch.arange(len(flat), device=flat.device)
            if self.rules.per_level < len(flat):
                places = ops.rank(flat, self.rules.per_level)
            anchors = self._placed(level, places, logits.shape[2])
            scores.append(flat[places])
            boxes.append(
                ops.decode_boxes(
                    anchors, deltas[image].reshape(-1, 4)[places], self.m,
                    self.n, limit.expand(len(places), 2)))
            levels.append(torch.full_like(places, level))
        found, score = torch.cat(boxes), torch.cat(scores)
        level = torch.cat(levels)
        large = ((found[:, 2:] - found[:, :2]) > self.rules.least_side).all(1)
        found, score, level = found[large], score[large], level[large]
        kept = ops.nms(found, score, level, *self.rules.overlap)
        return found[kept[:self.rules.count]]

    def _placed(self, level: int, places: Tensor, width: int) -> Tensor:
        """Anchors by their place among those of a level."""
        own = self.anchors[level]
        position, anchor = places // len(own), places % len(own)
        corner = torch.stack([position % width, position // width], 1)
        shift = corner * (self.strides[level] << ops.COORDINATE_BITS)
        return own[anchor] + shift.repeat(1, 2).to(own.dtype)
