"""Masks of boxes brought into the image, on integers.

What mmdet's ``FCNMaskHead`` does in floats: the probability of each cell of a
mask, by bilinear interpolation at the centre of each pixel of the box, against
a threshold. Kernels look at the pixels in and around a box only, whatever the
size of the image.
"""
import torch
from torch import Tensor

from ...arithmetic import floor_divide
from ...compat import zip_strict
from ..library import operator
from ..loops import each
from .boxes import COORDINATE_BITS

WEIGHT_BITS = 11
"""Fractional bits of a weight along one axis."""

PROBABILITY_BITS = 14
"""Fractional bits of a probability."""


def mask_windows(boxes: Tensor, height: int, width: int) -> Tensor:
    """The pixels that a mask can reach.

    Args:
        boxes (Tensor): int32 [N, 4], see ``ops/detection/boxes.py``, in
            coordinates of the image.
        height, width (int): Of the image.

    Returns:
        Tensor: int64 [N, 4], first column, first row, and those after the
        last; of a box without area no pixel.
    """
    wide = boxes.to(torch.int64)
    start, end = wide[:, :2], wide[:, 2:]
    size = torch.tensor([width, height], device=boxes.device)
    unit = 1 << COORDINATE_BITS
    first = torch.minimum((floor_divide(start, unit) - 1).clamp(min=0), size)
    last = torch.minimum(-floor_divide(-end, unit) + 1, size)
    empty = (end <= start).any(1, keepdim=True)
    last = torch.where(empty, first, torch.maximum(first, last))
    return torch.cat([first, last], 1)


def axis_places(start: Tensor, end: Tensor, pixels: Tensor,
                cells: int) -> tuple[Tensor, Tensor]:
    """Where the centres of pixels lie among the cells of a mask.

    Args:
        start, end (Tensor): int64, the box along the axis; of one without
            length the places are anything.
        pixels (Tensor): int64 [P].
        cells (int): Of the mask.

    Returns:
        tuple[Tensor, Tensor]: int64 [P], the cell before the centre (-1 and
        below, or beyond the last one, where it is outside) and the weight of
        the next one, 11 fractional bits.
    """
    unit = 1 << COORDINATE_BITS
    size = (end - start).clamp(min=1)
    # u = (pixel + 1/2 - start) / (end - start) cells - 1/2
    place = (2 * unit * pixels + unit - 2 * start) * cells - size
    whole = 2 * size
    u = floor_divide((place << (WEIGHT_BITS + 1)) + whole, 2 * whole)
    low = u >> WEIGHT_BITS
    return low, u - (low << WEIGHT_BITS)


@operator('paste_masks(Tensor probabilities, Tensor boxes, Tensor size,'
          ' int threshold) -> Tensor')
def paste_masks(probabilities: Tensor, boxes: Tensor, size: Tensor,
                threshold: int) -> Tensor:
    """Masks of boxes in their image.

    Args:
        probabilities (Tensor): int16 [N, h, w] of each box's class, in
            [0, 2^14], 14 fractional bits.
        boxes (Tensor): int32 [N, 4], in coordinates of the image.
        size (Tensor): int64 [2], height and width of the image.
        threshold (int): Least probability of a pixel of the mask, 14
            fractional bits, positive.

    Returns:
        Tensor: bool [N, height, width], False beyond :func:`mask_windows`.
        Cells beyond the mask count as probability 0.
    """
    height, width = size[0].item(), size[1].item()
    tall, wide = probabilities.shape[1:]
    rows = torch.arange(height, device=boxes.device)
    columns = torch.arange(width, device=boxes.device)

    def pasted(cells: Tensor, box: Tensor, window: Tensor) -> Tensor:
        x1, y1, x2, y2 = box.unbind(0)
        left, top, right, bottom = window.unbind(0)
        down = _interpolated(cells.to(torch.int64),
                             *axis_places(y1, y2, rows, tall))
        both = _interpolated(down.T, *axis_places(x1, x2, columns, wide)).T
        inside = (((rows >= top) & (rows < bottom))[:, None] &
                  (columns >= left) & (columns < right))
        return (both >= threshold << (2 * WEIGHT_BITS)) & inside

    return each(pasted, probabilities, boxes.to(torch.int64),
                mask_windows(boxes, height, width))


def _interpolated(values: Tensor, low: Tensor, weight: Tensor) -> Tensor:
    """[cells, n] at places [p] of the first axis -> [p, n], times 2^11."""
    padded = torch.cat([values[:1] * 0, values, values[:1] * 0])
    last = values.shape[0]
    before = padded[(low + 1).clamp(0, last + 1)]
    after = padded[(low + 2).clamp(0, last + 1)]
    weight = weight[:, None]
    return before * ((1 << WEIGHT_BITS) - weight) + after * weight


def run_lengths(mask: Tensor, left: int, top: int, height: int) -> list[int]:
    """A window in COCO's run-length form, of its image.

    COCO counts down the columns: pixels outside, then inside, and so on.

    Args:
        mask (Tensor): bool [h, w].
        left, top (int): Its first column and row in the image.
        height (int): Of the image.

    Returns:
        list[int]: Lengths of runs, the first outside (it may be 0), up to the
        end of the last run inside.
    """
    if not mask.any():
        return []
    edges = torch.nn.functional.pad(mask.T.to(torch.int8), (1, 1)).diff()
    column, row = edges.nonzero().T
    at = ((column + left) * height + top + row).tolist()
    runs: list[int] = []
    end = 0
    for start, stop in zip_strict(at[::2], at[1::2]):
        if runs and start == end:  # a run that goes on in the next column
            runs[-1] += stop - start
        else:
            runs += [start - end, stop - start]
        end = stop
    return runs
