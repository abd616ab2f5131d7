"""Anchors, scored and moved by a head on every level of a pyramid."""
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .... import ops
from ....compat import zip_strict
from ....nn import IntRequantize

ALL = -2**31
"""Below every logit."""


class AnchorRules(NamedTuple):
    """Which anchors are looked at.

    Args:
        per_level (int): The best of each level, at most.
        least_logit (int): That a logit must exceed; ``ALL`` keeps any.
        least_side (int): Width and height that a box must exceed, in
            coordinates.
    """
    per_level: int
    least_logit: int
    least_side: int


class Candidates(NamedTuple):
    """Boxes of an image before suppression.

    Args:
        boxes (Tensor): int32 [N, 4], see ``ops/detection/boxes.py``.
        logits (Tensor): Integers [N], of one scale.
        labels (Tensor): int64 [N].
        levels (Tensor): int64 [N].
    """
    boxes: Tensor
    logits: Tensor
    labels: Tensor
    levels: Tensor


class IntAnchorHead(nn.Module):
    """Pyramid -> candidates of each image; mmdet's ``AnchorHead`` in a test.

    Scores stay logits: sigmoid keeps their order.

    Args:
        body (nn.Module): int8 [B, H, W, C] -> logits [B, H, W, A classes] and
            deltas [B, H, W, 4 A].
        strides (Sequence[int]): Pixels a position, of each level.
        anchors (Tensor): int32 [levels, A, 4], around the corner of a
            position, coordinates.
        rules (AnchorRules): Which are looked at.
        bits (int): Width of what the body reads.
    """

    def __init__(self, body: nn.Module, strides: Sequence[int],
                 anchors: Tensor, rules: AnchorRules, bits: int):
        super().__init__()
        self.narrow = nn.ModuleList(IntRequantize(bits) for _ in strides)
        self.body, self.strides, self.rules = body, list(strides), rules
        self.register_buffer('anchors', anchors)
        self.register_buffer('m', torch.zeros(4, dtype=torch.int64))
        self.register_buffer('n', torch.zeros(4, dtype=torch.int64))

    def forward(self, pyramid: Sequence[Tensor],
                limits: Tensor) -> list[Candidates]:
        """
        Args:
            pyramid (Sequence[Tensor]): int16 [B, H_l, W_l, C].
            limits (Tensor): int32 [B, 2], width and height of each image
                without its padding, coordinates.

        Returns:
            list[Candidates]: Of each image.
        """
        outputs = [
            self.body(narrow(x)) for narrow, x in zip(self.narrow, pyramid)
        ]
        return [self._of_image(outputs, i, limit)
                for i, limit in enumerate(limits.unbind())]

    def _of_image(self, outputs: Sequence[tuple[Tensor, Tensor]], image: int,
                  limit: Tensor) -> Candidates:
        found = Candidates(*map(torch.cat, zip_strict(*(
            self._of_level(level, logits[image], deltas[image], limit)
            for level, (logits, deltas) in enumerate(outputs)))))
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        large = (sides > self.rules.least_side).all(1)
        return Candidates(*(values[large] for values in found))

    def _of_level(self, level: int, logits: Tensor, deltas: Tensor,
                  limit: Tensor) -> Candidates:
        flat = logits.flatten()  # row, column, anchor, class
        places = torch.arange(flat.shape[0], device=flat.device)
        least, ends = self.rules.least_logit, torch.iinfo(flat.dtype)
        if least >= ends.min:
            places = (flat > min(least, ends.max)).nonzero().flatten()
        places = places[ops.rank(flat[places], self.rules.per_level)]
        classes = logits.shape[2] // self.anchors.shape[1]
        which = places // classes
        boxes = ops.decode_boxes(
            self._placed(level, which, logits.shape[1]),
            deltas.reshape(-1, 4)[which], self.m, self.n,
            limit.expand(places.shape[0], 2))
        return Candidates(boxes, flat[places], places % classes,
                          torch.full_like(places, level))

    def _placed(self, level: int, which: Tensor, width: int) -> Tensor:
        """Anchors by their place among those of a level."""
        own = self.anchors[level]
        position, anchor = which // own.shape[0], which % own.shape[0]
        corner = torch.stack([position % width, position // width], 1)
        shift = corner * (self.strides[level] << ops.COORDINATE_BITS)
        return own[anchor] + shift.repeat(1, 2).to(own.dtype)
