"""Boxes in fixed point: levels of a pyramid, decoding, order, suppression.

A box is int32 (x1, y1, x2, y2) in 256ths of a pixel (``COORDINATE_BITS``), in
[-2^22, 2^22]: images of up to 8192 pixels a side, and boxes that reach beyond
them as far again. What mmdet and mmcv do in floats is done here exactly where
it is a comparison, and to the last bit of a coordinate where it is not; where
floats leave a result open (equal scores), the lower index comes first.
"""
from fractions import Fraction

import torch
from torch import Tensor

from ...arithmetic import multiply_shift, rshift
from ..library import operator
from ..loops import while_any

COORDINATE_BITS = 8
"""Fractional bits of a coordinate."""

DELTA_BITS = 16
"""Fractional bits of a box delta."""

LARGEST_RATIO = round(4.135166556742356 * 2**DELTA_BITS)
"""ln(1000 / 16): mmdet's bound of a change of width or height."""

EVERY = 2**31 - 1
"""More than there are: a ``count`` that keeps all."""

_LOG2_E = round(1.4426950408889634 * 2**30)
_EXP2 = [round(2**(i / 64) * 2**24) for i in range(65)]
"""2^(i / 64), 24 fractional bits."""


def exp2(x: Tensor) -> tuple[Tensor, Tensor]:
    """2^x as a mantissa and an exponent, by 64 chords an octave.

    Args:
        x (Tensor): int64 with 24 fractional bits.

    Returns:
        tuple[Tensor, Tensor]: int64 mantissa in [2^24, 2^25], at most 1.5e-5
        of its value too large, and int64 exponent z: the result is
        mantissa 2^(z - 24).
    """
    table = torch.tensor(_EXP2, device=x.device)
    place = x & (2**24 - 1)
    index, weight = place >> 18, place & (2**18 - 1)
    rise = rshift((table[index + 1] - table[index]) * weight, 18)
    return table[index] + rise, x >> 24


def level_areas(levels: int, finest: int) -> list[int]:
    """From which area on a box belongs to each level but the first.

    mmdet (``SingleRoIExtractor.map_roi_levels``) takes the level
    floor(log2(sqrt(area) / finest + 1e-6)): level k begins at the area
    (finest (2^k - 1e-6))^2.

    Args:
        levels (int): Of the pyramid.
        finest (int): Side of a box, in pixels, that is of level 0.

    Returns:
        list[int]: levels - 1 areas in units of a box's coordinates, squared.
    """
    areas = []
    for k in range(1, levels):
        side = finest * (2**k - Fraction(1, 10**6)) * 2**COORDINATE_BITS
        areas.append(-(-side**2 // 1))  # the least integer that reaches it
    return [int(area) for area in areas]


@operator('box_levels(Tensor boxes, int[] areas) -> Tensor')
def box_levels(boxes: Tensor, areas: list[int]) -> Tensor:
    """Level of a pyramid that each box belongs to.

    Args:
        boxes (Tensor): int32 [N, 4], x1 <= x2 and y1 <= y2.
        areas (list[int]): Of :func:`level_areas`, ascending.

    Returns:
        Tensor: int64 [N], in [0, len(areas)].
    """
    x1, y1, x2, y2 = boxes.to(torch.int64).unbind(1)
    area = (x2 - x1) * (y2 - y1)
    level = torch.zeros_like(area)
    for least in areas:
        level = level + (area >= least)
    return level


@operator('decode_boxes(Tensor boxes, Tensor deltas, Tensor m, Tensor n,'
          ' Tensor limits) -> Tensor')
def decode_boxes(boxes: Tensor, deltas: Tensor, m: Tensor, n: Tensor,
                 limits: Tensor) -> Tensor:
    """Boxes moved and scaled by deltas, clipped to their image.

    mmdet's ``DeltaXYWHBBoxCoder`` (Girshick, arXiv:1311.2524, appendix C):
    the centre moves by (dx, dy) times width and height, which are multiplied
    by exp(dw) and exp(dh), |dw|, |dh| at most ln(1000 / 16).

    Args:
        boxes (Tensor): int32 [N, 4], x1 <= x2 and y1 <= y2.
        deltas (Tensor): int8 or int16 [N, 4], (dx, dy, dw, dh).
        m, n (Tensor): int64 [4], dyadic ratios from a delta's integers to
            16 fractional bits: the scale times the coder's ``target_stds``.
        limits (Tensor): int32 [N, 2], width and height of each box's image,
            in units of a coordinate.

    Returns:
        Tensor: int32 [N, 4], in [0, limits]; a coordinate is off by at most
        1 unit, and 1.5e-5 of the width or height.
    """
    wide = boxes.to(torch.int64)
    start, end = wide[:, :2], wide[:, 2:]
    size, twice_centre = end - start, start + end
    d = multiply_shift(deltas, m, n)
    # Beyond 2^31 2^-16 times its size a box has left any image.
    move = d[:, :2].clamp(-2**31, 2**31)
    twice_centre = twice_centre + rshift(size * move, DELTA_BITS - 1)
    ratio = d[:, 2:].clamp(-LARGEST_RATIO, LARGEST_RATIO)
    mantissa, exponent = exp2(rshift(ratio * _LOG2_E, 30 - 24 + DELTA_BITS))
    size = rshift(size * mantissa, 24 - exponent)
    decoded = torch.cat([
        rshift(twice_centre - size, 1), rshift(twice_centre + size, 1)], 1)
    bound = limits.to(torch.int64).repeat(1, 2)
    return torch.minimum(decoded.clamp(min=0), bound).to(torch.int32)


@operator('rank(Tensor scores, int count) -> Tensor')
def rank(scores: Tensor, count: int) -> Tensor:
    """Places of the largest scores, the largest first; of equal ones the
    lower index.

    Args:
        scores (Tensor): Integers [N].
        count (int): How many at most.

    Returns:
        Tensor: int64 [min(count, N)].
    """
    order = torch.sort(scores, descending=True, stable=True).indices
    return order[:count]


@operator('nms(Tensor boxes, Tensor scores, Tensor groups, int numerator,'
          ' int denominator) -> Tensor')
def nms(boxes: Tensor, scores: Tensor, groups: Tensor, numerator: int,
        denominator: int) -> Tensor:
    """Boxes that no better one of their group overlaps too much.

    Greedy, as mmcv's: in the order of :func:`rank` a box stays, and those
    after it whose intersection over union exceeds the threshold (strictly)
    go. The comparison is one of integer products, exact for any threshold
    that is a fraction; a box without area suppresses none and is suppressed
    by none.

    Args:
        boxes (Tensor): int32 [N, 4], x1 <= x2 and y1 <= y2.
        scores (Tensor): Integers [N].
        groups (Tensor): Integers [N], class or level: boxes of different
            groups leave one another alone.
        numerator, denominator (int): The threshold, in (0, 1); denominator at
            most 2^14.

    Returns:
        Tensor: int64, places of those that stay, the best first.
    """
    order = rank(scores, EVERY)
    wide, group = boxes[order].to(torch.int64), groups[order]
    start, end = wide[:, :2], wide[:, 2:]
    area = (end - start).prod(1)
    places = torch.arange(order.shape[0], device=order.device)

    def best(alive: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """The first that is alive stays; some others go."""
        i = alive.to(torch.int32).argmax(0)
        inside = (torch.minimum(end[i], end) -
                  torch.maximum(start[i], start)).clamp(min=0).prod(1)
        union = area[i] + area - inside
        gone = inside * denominator > union * numerator
        first = places == i
        return (alive & ~(gone & (group == group[i])) & ~first, kept | first)

    none = torch.zeros_like(places, dtype=torch.bool)
    _, kept = while_any(best, ~none, none)
    return order[kept]
