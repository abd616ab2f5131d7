"""What the proposals are: class scores and better boxes, on integers.

Ren et al., arXiv:1506.01497, and, in several stages, Cai and Vasconcelos,
arXiv:1712.00726; mmdet's ``StandardRoIHead`` and ``CascadeRoIHead`` in a test.
"""
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .... import ops
from ....nn import IntRequantize
from .features import IntFeatures, of_images
from .scores import Found, ScoreSoftmax


class BoxRules(NamedTuple):
    """What is kept.

    Args:
        least_score (int): That a score must exceed, 30 fractional bits.
        count (int): Detections of an image.
        overlap (tuple[int, int]): Numerator and denominator of the overlap
            from which on a worse box of the same class goes.
    """
    least_score: int
    count: int
    overlap: tuple[int, int]


class IntBoxStage(nn.Module):
    """A box head and its coder.

    Args:
        features (IntFeatures): What it reads.
        body (nn.Module): int8 [N, S, S, C] -> class logits [N, 1, 1,
            classes + 1] and deltas [N, 1, 1, 4] or [N, 1, 1, 4 classes].
        agnostic (bool): Whether the deltas are for all classes.
    """

    def __init__(self, features: IntFeatures, body: nn.Module,
                 agnostic: bool):
        super().__init__()
        self.features, self.body, self.agnostic = features, body, agnostic
        # One scale for all stages; the sum of four fits 2^24.
        self.to_logits = IntRequantize(23)
        self.register_buffer('m', torch.zeros(4, dtype=torch.int64))
        self.register_buffer('n', torch.zeros(4, dtype=torch.int64))

    def forward(self, pyramid: Sequence[Tensor], boxes: Tensor,
                images: Tensor) -> tuple[Tensor, Tensor]:
        """int32 logits [N, classes + 1] at the scale of all stages, and
        deltas [N, 1 or classes, 4]."""
        logits, deltas = self.body(self.features(pyramid, boxes, images))
        return (self.to_logits(logits.flatten(1)),
                deltas.reshape(deltas.shape[0], deltas.shape[3] // 4, 4))

    def moved(self, boxes: Tensor, deltas: Tensor, labels: Tensor,
              limits: Tensor) -> Tensor:
        """Boxes moved by the deltas of their class; all [N, ...]."""
        place = torch.zeros_like(labels) if self.agnostic else labels
        own = deltas[torch.arange(boxes.shape[0], device=boxes.device), place]
        return ops.decode_boxes(boxes, own, self.m, self.n, limits)


class IntBoxes(nn.Module):
    """Proposals -> detections.

    The logits of all stages are added up: Softmax's scale makes a mean of
    them.

    Args:
        stages (Sequence[IntBoxStage]): One, or those of a cascade.
        rules (BoxRules): What is kept.
        softmax (ScoreSoftmax): Of that sum.
    """

    def __init__(self, stages: Sequence[IntBoxStage], rules: BoxRules,
                 softmax: ScoreSoftmax):
        super().__init__()
        self.stages, self.rules = nn.ModuleList(stages), rules
        self.softmax = softmax

    def forward(self, pyramid: Sequence[Tensor], proposals: Sequence[Tensor],
                limits: Tensor) -> list[Found]:
        """
        Args:
            pyramid (Sequence[Tensor]): int16 [B, H_l, W_l, C].
            proposals (Sequence[Tensor]): int32 [N_i, 4] of each image.
            limits (Tensor): int32 [B, 2], see :class:`IntProposals`.
        """
        boxes, images = of_images(proposals)
        bound, total = limits[images], 0
        for i, stage in enumerate(self.stages):
            logits, deltas = stage(pyramid, boxes, images)
            total = total + logits
            if i < len(self.stages) - 1:
                likeliest = logits[:, :-1].argmax(1)  # not the background
                boxes = stage.moved(boxes, deltas, likeliest, bound)
        scores = self.softmax(total.to(torch.int32))
        return [
            self._of_image(boxes[images == i], deltas[images == i],
                           scores[images == i, :-1], limits[i])
            for i in range(len(proposals))
        ]

    def _of_image(self, boxes: Tensor, deltas: Tensor, scores: Tensor,
                  limit: Tensor) -> Found:
        box, label = (scores > self.rules.least_score).nonzero().unbind(1)
        score = scores[box, label]
        found = self.stages[-1].moved(boxes[box], deltas[box], label,
                                      limit.expand(box.shape[0], 2))
        kept = ops.nms(found, score, label, *self.rules.overlap)
        kept = kept[:self.rules.count]
        return Found(found[kept], score[kept], label[kept])
