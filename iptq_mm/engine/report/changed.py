"""How much quantization has changed what a model sees in an image."""
import torch
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor

from ...environment import is_detection

SCORE = .3
"""Detections below it are not looked at."""

OVERLAP = .5
"""Boxes of less intersection over union are different things."""


def change(before: BaseDataElement, after: BaseDataElement) -> float:
    """A number to sort by.

    Args:
        before, after (BaseDataElement): Predictions for the same image, of a
            detector or of a classifier.

    Returns:
        float: In [0, 1]. Of detections how much of the boxes of both is not
        shared with a partner of the same class, one without a partner counts
        whole; of classes the probability that has moved.
    """
    if not is_detection(before):
        return float((before.pred_score - after.pred_score).abs().sum() / 2)
    left, right = (_sure(x.pred_instances) for x in (before, after))
    most = max(len(left), len(right))
    return 1 - _shared(left, right) / most if most else 0.


def _sure(instances: InstanceData) -> InstanceData:
    return instances[instances.scores > SCORE]


def _shared(left: InstanceData, right: InstanceData) -> float:
    """Overlaps of the partners, summed up; nothing has two."""
    overlap = _overlaps(left.bboxes, right.bboxes)
    overlap[left.labels[:, None] != right.labels] = 0
    total = 0.
    while overlap.numel() and overlap.max() >= OVERLAP:
        row, column = divmod(int(overlap.argmax()), overlap.shape[1])
        total += float(overlap[row, column])
        overlap[row], overlap[:, column] = 0, 0
    return total


def _overlaps(x: Tensor, y: Tensor) -> Tensor:
    """Intersection over union, [N, M], of boxes [N, 4] and [M, 4]."""
    low = torch.maximum(x[:, None, :2], y[:, :2])
    high = torch.minimum(x[:, None, 2:], y[:, 2:])
    inside = (high - low).clamp(min=0).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (x, y)]
    whole = areas[0][:, None] + areas[1] - inside
    return inside / whole.clamp(min=1e-6)
