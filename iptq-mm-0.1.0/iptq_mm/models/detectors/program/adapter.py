"""Integer detections as mmdet's own."""
import mmap
from typing import Any

import torch
from mmengine.structures import InstanceData
from pycocotools import mask as coco
from torch import Tensor

from .... import ops
from ....compat import zip_strict
from ....ops.masks import PROBABILITY_BITS, mask_windows, run_lengths
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
        windows = mask_windows(found.boxes, height, width).tolist()
        parts = ops.paste_masks(
            found.masks, found.boxes, height, width,
            max(1, round(mask_threshold * 2**PROBABILITY_BITS)))
        masks = _empty_masks(len(parts), height, width)
        for mask, part, (left, top, right, bottom) in zip_strict(
                masks, parts, windows):
            mask[top:bottom, left:right] = part
        result.masks = masks.to(found.boxes.device)
    return result


def _empty_masks(count: int, height: int, width: int) -> Tensor:
    """bool [count, height, width], False.

    The system hands out a page of these zeros when it is first written:
    memory and work are those of the boxes, not of as many whole images.
    """
    shape = count, height, width
    if not all(shape):
        return torch.zeros(shape, dtype=torch.bool)
    pages = mmap.mmap(-1, count * height * width,
                      mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=torch.bool).view(shape)


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
