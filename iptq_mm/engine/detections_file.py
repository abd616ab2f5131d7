"""Detections as COCO writes them, masks in its run-length form."""
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.structures import InstanceData
from pycocotools import mask as coco

from ..ops import COORDINATE_BITS
from ..ops.masks import mask_windows, run_lengths


def coco_entries(found: InstanceData, file_name: str, classes: Sequence[str],
                 score: float) -> list[dict[str, Any]]:
    """Entries of a results file, which name image and class, as there are no
    annotations whose numbers they could have.

    Work and memory are those of the boxes: of a mask only the pixels around
    its box are looked at.

    Args:
        found (InstanceData): As mmdet's detectors give it, on the CPU.
        file_name (str): Of the image.
        classes (Sequence[str]): By label.
        score (float): Detections below it are left out.

    Returns:
        list[dict]: ``file_name``, ``category``, ``bbox`` (x, y, width,
        height), ``score`` and, where there are masks, ``segmentation``
        (``size``, ``counts``).
    """
    found = found[found.scores > score]
    entries = []
    for box, value, label in zip(found.bboxes.tolist(), found.scores.tolist(),
                                 found.labels.tolist(), strict=True):
        left, top, right, bottom = box
        entries.append(dict(
            file_name=file_name, category=classes[label],
            bbox=[left, top, right - left, bottom - top], score=value))
    if 'masks' in found:
        height, width = found.masks.shape[1:]
        boxes = (found.bboxes * 2**COORDINATE_BITS).round().to(torch.int32)
        windows = mask_windows(boxes, height, width).tolist()
        for entry, mask, (left, top, right, bottom) in zip(
                entries, found.masks, windows, strict=True):
            runs = run_lengths(mask[top:bottom, left:right], left, top, height)
            rest = height * width - sum(runs)
            packed = coco.frPyObjects(
                dict(size=[height, width], counts=[*runs, rest]), height,
                width)
            entry['segmentation'] = dict(
                size=[height, width], counts=packed['counts'].decode())
    return entries
