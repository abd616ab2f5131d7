"""Operators of detectors: boxes, the features under them, masks."""
from .boxes import COORDINATE_BITS, box_levels, decode_boxes, nms, rank
from .masks import paste_masks
from .roi_align import roi_align

__all__ = [
    'COORDINATE_BITS', 'box_levels', 'decode_boxes', 'nms', 'paste_masks',
    'rank', 'roi_align'
]
