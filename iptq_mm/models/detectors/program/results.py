"""What goes into a program beside the pixels, and what comes out."""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .... import ops
from ....arithmetic import floor_divide
from ....compat import zip_strict
from .scores import Found


class Sizes(NamedTuple):
    """An image in a batch.

    Args:
        inside (tuple[int, int]): Height and width without the padding.
        original (tuple[int, int]): Height and width that it had.
    """
    inside: tuple[int, int]
    original: tuple[int, int]


class Detections(NamedTuple):
    """What is found in an image, the best first.

    Args:
        boxes (Tensor): int32 [N, 4], in 256ths of a pixel of the original
            image, or of the one that the detector saw.
        scores (Tensor): int32 [N], 30 fractional bits.
        labels (Tensor): int64 [N].
        masks (Tensor | None): int16 [N, 2 S, 2 S], the probability of each
            cell of the box, 14 fractional bits.
    """
    boxes: Tensor
    scores: Tensor
    labels: Tensor
    masks: Tensor | None


def limits_of(sizes: Sequence[Sizes], device: torch.device) -> Tensor:
    """int32 [B, 2], width and height of each image without its padding,
    coordinates."""
    inside = torch.tensor(
        [[width, height] for (height, width), _ in sizes], device=device)
    return (inside << ops.COORDINATE_BITS).to(torch.int32)


def detections(found: Sequence[Found], masks: Sequence[Tensor | None],
               sizes: Sequence[Sizes], rescale: bool) -> list[Detections]:
    """Results of each image, in the original one if ``rescale``."""
    return [
        Detections(rescaled(one.boxes, size) if rescale else one.boxes,
                   one.scores, one.labels, mask)
        for one, size, mask in zip_strict(found, sizes, masks)
    ]


def rescaled(boxes: Tensor, size: Sizes) -> Tensor:
    """Boxes in the original image: a coordinate times the ratio of the two
    sizes along its axis, rounded."""
    (height, width), (tall, broad) = size
    ratio, whole = (
        torch.tensor(sides, device=boxes.device).repeat(2)
        for sides in ((broad, tall), (width, height)))
    return floor_divide(2 * boxes * ratio + whole, 2 * whole).to(torch.int32)
