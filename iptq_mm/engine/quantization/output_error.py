"""What narrow weights of one layer do to the outputs of a backbone.

Where errors go is not seen at the layer that makes them: one in the stream of
the first block is read by all that follow, one in the last block by the head
alone.
"""
from collections.abc import Iterator
from itertools import islice
from statistics import fmean

import torch
from torch import Tensor, nn

from ...assignment.normalization import Measures
from ...assignment.unified_metric import (
    MAX_SQNR_DB,
    decibel,
    perturbation,
    sqnr_db,
)
from ...assignment.widths import relative_error
from ...lowering.rounding.recorded import with_widths
from .budget import NARROW, WIDE, Part, at_the_layer
from .calibrate import Calibration

IMAGES = 16
"""So many calibration images are enough to tell layers apart."""


class AtTheOutputs:
    """A ``Reading``: Q and P at the outputs of the integer backbone that has
    narrow weights in this one layer, beside the one that has none.

    Args:
        calibration (Calibration): Its first images are run; its progress is
            told of every layer.
    """

    def __init__(self, calibration: Calibration):
        self._calibration = calibration

    def __call__(self, part: Part) -> dict[str, tuple[Measures, Measures]]:
        images = list(self._first_images())
        wide = _outputs(part.lower(WIDE, part.roundings), images)
        found, layers = {}, at_the_layer(part)
        for layer, (narrow_here, wide_here) in layers.items():
            one = with_widths(part.roundings, {layer: NARROW})
            outputs = _outputs(part.lower(WIDE, one), images)
            found[layer] = (_measured(wide, outputs, narrow_here.C),
                            Measures(MAX_SQNR_DB, 0., wide_here.C))
            self._calibration.progress('weighing the layers', len(found),
                                       len(layers))
        return found

    def _first_images(self) -> Iterator[Tensor]:
        """One by one: images of several sizes do not fit one batch."""
        batches = islice(self._calibration.batches,
                         self._calibration.num_batches)
        images = (image[None].cpu() for batch in batches for image in batch)
        return islice(images, IMAGES)


@torch.no_grad()
def _outputs(model: nn.Module, images: list[Tensor]) -> list[list[Tensor]]:
    """Of each image the logits, or the features."""
    results = map(model, images)
    return [list(y) if isinstance(y, (tuple, list)) else [y] for y in results]


def _measured(wide: list[list[Tensor]], narrow: list[list[Tensor]],
              size: float) -> Measures:
    """Outputs count alike, whatever their scale."""
    each = []
    for before, after in zip(zip(*wide), zip(*narrow)):
        y, y_hat = (torch.cat([image.flatten() for image in images])
                    for images in (before, after))
        each.append(Measures(sqnr_db(y, y_hat), perturbation(y, y_hat), size))
    return Measures(decibel(1., fmean(map(relative_error, each))),
                    fmean(one.P for one in each), size)
