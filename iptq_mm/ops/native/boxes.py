"""The operators of boxes and masks on the library's functions."""
import mmap
from ctypes import Array, byref, c_int64, c_void_p

import torch
from torch import Tensor

from .core import core, int64s, succeeded, threads
from .fallback import to_reference

INT8, INT16, INT32, INT64 = (
    torch.int8, torch.int16, torch.int32, torch.int64)


def _are_boxes(boxes: Tensor) -> bool:
    return (boxes.dtype is INT32 and boxes.dim() == 2
            and boxes.shape[1] == 4)


def box_levels(boxes: Tensor, areas: list[int]) -> Tensor:
    if _are_boxes(boxes):
        boxes = boxes.contiguous()
        levels = boxes.new_empty(len(boxes), dtype=INT64)
        if succeeded(core().iptq_box_levels(
                boxes.data_ptr(), len(boxes), int64s(*areas), len(areas),
                levels.data_ptr())):
            return levels
    return to_reference('box_levels', boxes, areas)


def decode_boxes(boxes: Tensor, deltas: Tensor, m: Tensor, n: Tensor,
                 limits: Tensor) -> Tensor:
    if (_are_boxes(boxes) and deltas.shape == boxes.shape
            and deltas.dtype in (INT8, INT16) and m.dtype is INT64
            and n.dtype is INT64 and m.numel() == n.numel() == 4
            and limits.dtype is INT32 and limits.shape == (len(boxes), 2)):
        boxes, deltas, m, n, limits = (
            x.contiguous() for x in (boxes, deltas, m, n, limits))
        decoded = torch.empty_like(boxes)
        if succeeded(core().iptq_decode_boxes(
                boxes.data_ptr(), len(boxes), deltas.data_ptr(),
                deltas.element_size(), m.data_ptr(), n.data_ptr(),
                limits.data_ptr(), decoded.data_ptr())):
            return decoded
    return to_reference('decode_boxes', boxes, deltas, m, n, limits)


def rank(scores: Tensor, count: int) -> Tensor:
    if (scores.dim() == 1 and count >= 0
            and scores.dtype in (INT16, INT32, INT64)):
        scores = scores.contiguous()
        most = min(count, len(scores))
        places = scores.new_empty(most, dtype=INT64)
        if succeeded(core().iptq_rank(
                scores.data_ptr(), scores.element_size(), len(scores), most,
                places.data_ptr())):
            return places
    return to_reference('rank', scores, count)


def nms(boxes: Tensor, scores: Tensor, groups: Tensor, numerator: int,
        denominator: int) -> Tensor:
    if (_are_boxes(boxes) and scores.shape == groups.shape == boxes.shape[:1]
            and not scores.is_floating_point()
            and not groups.is_floating_point()):
        boxes = boxes.contiguous()
        ranks, group = (x.to(INT64).contiguous() for x in (scores, groups))
        places, kept = torch.empty_like(ranks), c_int64()
        if succeeded(core().iptq_nms(
                boxes.data_ptr(), len(boxes), ranks.data_ptr(),
                group.data_ptr(), numerator, denominator, places.data_ptr(),
                byref(kept))):
            return places[:kept.value].clone()
    return to_reference('nms', boxes, scores, groups, numerator, denominator)


def roi_align(maps: list[Tensor], strides: list[int], boxes: Tensor,
              images: Tensor, levels: Tensor, height: int, width: int,
              sampling: int) -> Tensor:
    if (maps and len(strides) == len(maps) and _are_boxes(boxes)
            and images.dtype is INT64 and levels.dtype is INT64
            and images.shape == levels.shape == boxes.shape[:1]
            and all(x.dim() == 4 and x.dtype is INT8 and x.numel()
                    and x.shape[3] == maps[0].shape[3] for x in maps)):
        maps = [x.contiguous() for x in maps]
        boxes, images, levels = (
            x.contiguous() for x in (boxes, images, levels))
        channels = maps[0].shape[3]
        features = maps[0].new_empty((len(boxes), height, width, channels))
        if succeeded(core().iptq_roi_align(
                threads(), len(maps), _addresses(maps),
                int64s(*(side for x in maps for side in x.shape[:3])),
                int64s(*strides), channels, boxes.data_ptr(), len(boxes),
                images.data_ptr(), levels.data_ptr(), height, width, sampling,
                features.data_ptr())):
            return features
    return to_reference('roi_align', maps, strides, boxes, images, levels,
                        height, width, sampling)


def paste_masks(probabilities: Tensor, boxes: Tensor, size: Tensor,
                threshold: int) -> Tensor:
    if (_are_boxes(boxes) and probabilities.dtype is INT16
            and probabilities.dim() == 3 and size.dtype is INT64
            and size.shape == (2, )
            and len(probabilities) == len(boxes)):
        probabilities, boxes = probabilities.contiguous(), boxes.contiguous()
        count, rows, columns = probabilities.shape
        height, width = size.tolist()
        masks = _empty_masks(count, height, width)
        if succeeded(core().iptq_paste_masks(
                threads(), probabilities.data_ptr(), count, rows, columns,
                boxes.data_ptr(), height, width, threshold,
                masks.data_ptr())):
            return masks
    return to_reference('paste_masks', probabilities, boxes, size, threshold)


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


def _addresses(tensors: list[Tensor]) -> Array:
    return (c_void_p * len(tensors))(*(x.data_ptr() for x in tensors))


KERNELS = dict(
    box_levels=box_levels, decode_boxes=decode_boxes, nms=nms,
    paste_masks=paste_masks, rank=rank, roi_align=roi_align)
"""By the operator that each computes; arguments and results are those of its
reference."""
