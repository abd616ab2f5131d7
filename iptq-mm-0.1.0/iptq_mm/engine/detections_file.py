"""Detections as COCO writes them, masks in its run-length form."""
from collections.abc import Sequence
from typing import Any

from mmengine.structures import InstanceData

from ..compat import zip_strict
from ..models.detectors.program import run_length_masks


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
    for box, value, label in zip_strict(
            found.bboxes.tolist(), found.scores.tolist(),
            found.labels.tolist()):
        left, top, right, bottom = box
        entries.append(dict(
            file_name=file_name, category=classes[label],
            bbox=[left, top, right - left, bottom - top], score=value))
    if 'masks' in found:
        for entry, mask in zip_strict(
                entries, run_length_masks(found.masks, found.bboxes)):
            entry['segmentation'] = dict(mask, counts=mask['counts'].decode())
    return entries
