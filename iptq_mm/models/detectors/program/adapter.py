"""Integer detections as mmdet's own."""
import mmap

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from .... import ops
from ....ops.masks import PROBABILITY_BITS, mask_windows
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
        for mask, part, (left, top, right, bottom) in zip(
                masks, parts, windows, strict=True):
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
