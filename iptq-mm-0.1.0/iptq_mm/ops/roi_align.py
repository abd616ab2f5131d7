"""RoIAlign on integers (He et al., arXiv:1703.06870, section 3).

What mmcv's ``roi_align`` (aligned, average) does in floats: bilinear samples
on a grid in each bin of a box, and their mean. Places of samples are exact
fractions until they become weights of ``WEIGHT_BITS``; all else is exact, with
one rounding at the end.
"""
import torch
from torch import Tensor

from ..arithmetic import floor_divide
from .boxes import COORDINATE_BITS
from .library import operator

WEIGHT_BITS = 11
"""Fractional bits of a weight along one axis."""


def axis_weights(start: int, end: int, bins: int, length: int, stride: int,
                 sampling: int) -> tuple[Tensor, int]:
    """How much each row (or column) of a map counts for each bin of a box.

    Args:
        start, end (int): The box along the axis, coordinates, start <= end.
        bins (int): Along the axis.
        length (int): Rows of the map.
        stride (int): Pixels a row.
        sampling (int): Samples a bin; 0: one a row of the map, rounded up.

    Returns:
        tuple[Tensor, int]: int64 [bins, length], sums of the weights of all
        samples of a bin, 2^11 each; and the number of samples of a bin.
    """
    unit = stride << (COORDINATE_BITS + 1)  # of a row, in half coordinates
    size = 2 * (end - start)
    samples = sampling or -(-size // (unit * bins))
    weights = torch.zeros(bins, length, dtype=torch.int64)
    if samples == 0:
        return weights, 0
    # y = (2 start - unit / 2 + size (k + 1/2) / (bins samples)) / unit
    parts = 2 * bins * samples
    place = ((2 * start - unit // 2) * parts +
             size * (2 * torch.arange(bins * samples) + 1))
    whole = unit * parts
    inside = (place >= -whole) & (place <= length * whole)
    y = floor_divide((place << (WEIGHT_BITS + 1)) + whole, 2 * whole)
    y = y.clamp(0, (length - 1) << WEIGHT_BITS)
    low = y >> WEIGHT_BITS
    upper = y - (low << WEIGHT_BITS)
    high = (low + 1).clamp(max=length - 1)
    bin_of = torch.arange(bins * samples) // samples
    for row, weight in ((low, (1 << WEIGHT_BITS) - upper), (high, upper)):
        weights.index_put_((bin_of, row), weight * inside, accumulate=True)
    return weights, samples


@operator('roi_align(Tensor[] maps, int[] strides, Tensor boxes,'
          ' Tensor images, Tensor levels, int height, int width,'
          ' int sampling) -> Tensor')
def roi_align(maps: list[Tensor], strides: list[int], boxes: Tensor,
              images: Tensor, levels: Tensor, height: int, width: int,
              sampling: int) -> Tensor:
    """Features of boxes, each from one level of a pyramid.

    Args:
        maps (list[Tensor]): int8 [B, H_l, W_l, C] of each level, all at one
            scale.
        strides (list[int]): Pixels from one position of a map to the next.
        boxes (Tensor): int32 [N, 4], x1 <= x2 and y1 <= y2, see
            ``ops/boxes.py``.
        images (Tensor): int64 [N], which of the B a box is in.
        levels (Tensor): int64 [N], which map.
        height, width (int): Bins of a box.
        sampling (int): Samples a bin and axis; 0: as many as there are rows
            or columns of the map in a bin, rounded up.

    Returns:
        Tensor: int8 [N, height, width, C] at the scale of the maps. Samples
        more than one position beyond the map count as 0; a box of no height
        or width gives zeros where ``sampling`` is 0.
    """
    channels = maps[0].shape[-1]
    features = maps[0].new_zeros(len(boxes), height, width, channels)
    for i, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        level = int(levels[i])
        source = maps[level][int(images[i])]
        rows, vertical = axis_weights(y1, y2, height, source.shape[0],
                                      strides[level], sampling)
        columns, horizontal = axis_weights(x1, x2, width, source.shape[1],
                                           strides[level], sampling)
        count = max(vertical * horizontal, 1) << (2 * WEIGHT_BITS)
        total = _weighted(rows, columns, source)
        features[i] = floor_divide(2 * total + count, 2 * count)
    return features


def _weighted(rows: Tensor, columns: Tensor, source: Tensor) -> Tensor:
    """rows @ source @ columns^T for every channel, int64 [h, w, C], without
    the part of the map that has no weight."""
    used = [weights.any(0).nonzero().flatten() for weights in (rows, columns)]
    part = source[used[0]][:, used[1]].to(torch.int64)
    rows, columns = rows[:, used[0]], columns[:, used[1]]
    across = torch.einsum('ws,rsc->rwc', columns, part)
    return torch.einsum('hr,rwc->hwc', rows, across)
