"""Integer detections as mmdet's own."""
from typing import Any

import torch
from mmengine.structures import InstanceData
from pycocotools import mask as coco
from torch import Tensor

from .... import ops
from ....compat import zip_strict
from ....ops.detection.masks import PROBABILITY_BITS, mask_windows, run_lengths
from .results import Detections
from .scores import SCORE_BITS


def instances(found: Detections, height: int, width: int,
              mask_threshold: float) -> InstanceData:
    """What mmdet's metrics and visualizers take.

    Args:
        found (Detections): In an image.
        height, width (int): Of the image that the boxes are in.
        mask_threshold (float): Least probability of a pixel of a mask.

    Returns:
        InstanceData: ``bboxes`` float32 [N, 4], ``scores`` float32 [N],
        ``labels`` int64 [N] and, where there are masks, ``masks`` bool
        [N, height, width].
    """
    result = InstanceData(
        bboxes=found.boxes / float(1 << ops.COORDINATE_BITS),
        scores=found.scores / float(1 << SCORE_BITS),
        labels=found.labels)
    if found.masks is not None:
        result.masks = ops.paste_masks(
            found.masks, found.boxes,
            found.boxes.new_tensor([height, width], dtype=torch.int64),
            least_probability(mask_threshold))
    return result


def least_probability(threshold: float) -> int:
    """Of a pixel of a mask, 14 fractional bits."""
    return max(1, round(threshold * 2**PROBABILITY_BITS))


def run_length_masks(masks: Tensor, boxes: Tensor) -> list[dict[str, Any]]:
    """Masks in COCO's run-length form, of the pixels around their boxes: work
    and memory are those of the boxes.

    Args:
        masks (Tensor): bool [N, height, width], as :func:`instances` and
            mmdet's mask heads give them: False beyond the box.
        boxes (Tensor): float32 [N, 4].

    Returns:
        list[dict]: ``size`` and ``counts`` (bytes) of each.
    """
    height, width = masks.shape[1:]
    corners = (boxes * (1 << ops.COORDINATE_BITS)).round().to(torch.int32)
    found = []
    for mask, (left, top, right, bottom) in zip_strict(
            masks, mask_windows(corners, height, width).tolist()):
        runs = run_lengths(mask[top:bottom, left:right], left, top, height)
        if rest := height * width - sum(runs):
            runs.append(rest)
        found.append(coco.frPyObjects(
            dict(size=[height, width], counts=runs), height, width))
    return found
