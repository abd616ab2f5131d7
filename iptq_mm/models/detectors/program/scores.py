"""Scores of classes, and what is found by them."""
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .... import ops
from ....registry import APPROXIMATIONS

SCORE_BITS = 30
"""Fractional bits of a class's probability."""

SOFTMAX_BITS = 18
"""Width at which a candidate's probabilities have that many."""

SCORES = 'score_softmax'
"""What Softmax of the class scores is called among non-linear layers."""


class Found(NamedTuple):
    """Detections of an image, the best first.

    Args:
        boxes (Tensor): int32 [N, 4], see ``ops/detection/boxes.py``.
        scores (Tensor): int32 [N], 30 fractional bits.
        labels (Tensor): int64 [N].
    """
    boxes: Tensor
    scores: Tensor
    labels: Tensor


class ScoreSoftmax(nn.Module):
    """Softmax of class scores; empty when built.

    Args:
        function (str): Candidate of kind ``softmax``.
    """

    def __init__(self, function: str):
        super().__init__()
        candidate = APPROXIMATIONS.get(function)
        self.function, shape = function, candidate.params_shape(0)
        # Candidates with codes of their own keep those, whatever the width.
        step = candidate.out_scale(SOFTMAX_BITS)
        self.shift = SCORE_BITS + round(math.log2(step))
        self.register_buffer('params', torch.zeros(shape, dtype=torch.int64))

    def forward(self, logits: Tensor) -> Tensor:
        """int32 [N, classes + 1], |q| <= 2^24 -> int32 likewise, 30
        fractional bits."""
        scores = ops.softmax(logits, self.function, self.params)
        return scores << self.shift if self.shift else scores
