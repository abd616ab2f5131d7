"""RoIAlign on integers (He et al., arXiv:1703.06870, section 3).

What mmcv's ``roi_align`` (aligned, average) does in floats: bilinear samples
on a grid in each bin of a box, and their mean. Places of samples are exact
fractions until they become weights of ``WEIGHT_BITS``; all else is exact, with
one rounding at the end.
"""
import torch
from torch import Tensor

from ...arithmetic import floor_divide
from ..library import operator
from ..loops import each
from .boxes import COORDINATE_BITS

WEIGHT_BITS = 11
"""Fractional bits of a weight along one axis."""


def axis_weights(start: Tensor, end: Tensor, bins: int, length: Tensor,
                 stride: Tensor,
                 sampling: int) -> tuple[Tensor, Tensor, Tensor]:
    """How much each row (or column) of a map counts for each bin of a box.

    Args:
        start, end (Tensor): int64, the box along the axis, coordinates,
            start <= end.
        bins (int): Along the axis.
        length (Tensor): int64, rows of the map.
        stride (Tensor): int64, pixels a row.
        sampling (int): Samples a bin; 0: one a row of the map, rounded up.

    Returns:
        tuple[Tensor, Tensor, Tensor]: int64 [bins, R], sums of the weights
        of all samples of a bin, 2^11 each; int64 [R], the rows that these are
        of; and the number of samples of a bin.
    """
    unit = stride << (COORDINATE_BITS + 1)  # of a row, in half coordinates
    size = 2 * (end - start)
    samples = (torch.full_like(size, sampling) if sampling else
               -floor_divide(-size, unit * bins))
    # y = (2 start - unit / 2 + size (k + 1/2) / (bins samples)) / unit
    most = samples.clamp(min=1)
    parts = 2 * bins * most
    k = torch.arange(bins * most.item(), device=size.device)
    place = (2 * start - (unit >> 1)) * parts + size * (2 * k + 1)
    whole = unit * parts
    inside = (place >= -whole) & (place <= length * whole) & (samples > 0)
    y = floor_divide((place << (WEIGHT_BITS + 1)) + whole, 2 * whole)
    y = torch.minimum(y.clamp(min=0), (length - 1) << WEIGHT_BITS)
    low = y >> WEIGHT_BITS
    upper = (y - (low << WEIGHT_BITS)) * inside
    lower = (inside.to(torch.int64) << WEIGHT_BITS) - upper
    high = torch.minimum(low + 1, length - 1)
    rows = torch.arange(low[:1].item(), high[-1:].item() + 1,
                        device=size.device)
    weights = (torch.where(low[:, None] == rows, lower[:, None], 0) +
               torch.where(high[:, None] == rows, upper[:, None], 0))
    return (weights.reshape(bins, most.item(), rows.shape[0]).sum(1), rows,
            samples)


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
            ``ops/detection/boxes.py``.
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
    # The levels one after the other, so that one way leads to each.
    positions = torch.cat([x.flatten(0, 2) for x in maps])
    sizes = torch.tensor([x.shape[:3] for x in maps], device=boxes.device)
    counts = sizes.prod(1)
    firsts = counts.cumsum(0) - counts
    steps = torch.tensor(strides, device=boxes.device)

    def features(box: Tensor, image: Tensor, level: Tensor) -> Tensor:
        x1, y1, x2, y2 = box.unbind(0)
        _, tall, wide = sizes[level].unbind(0)
        across, columns, horizontal = axis_weights(x1, x2, width, wide,
                                                   steps[level], sampling)
        down, rows, vertical = axis_weights(y1, y2, height, tall,
                                            steps[level], sampling)
        own = firsts[level] + (image * tall + rows[:, None]) * wide + columns
        part = positions[own].to(torch.int64)  # [R, S, C]
        total = down @ (across @ part).flatten(1)
        count = (vertical * horizontal).clamp(min=1) << (2 * WEIGHT_BITS)
        mean = floor_divide(2 * total + count, 2 * count)
        return mean.reshape(height, width, channels).to(torch.int8)

    return each(features, boxes.to(torch.int64), images, levels)
