"""What narrow weights of one layer do to the outputs of a backbone.

Where errors go is not seen at the layer that makes them: one in the stream of
the first block is read by all that follow, one in the last block by the head
alone.
"""
from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import NamedTuple

import torch
from mmengine.dist import all_gather_object, get_dist_info
from torch import Tensor, nn

from ...assignment.normalization import Measures
from ...assignment.unified_metric import MAX_SQNR_DB, decibel
from ...assignment.widths import relative_error
from ...lowering.rounding.recorded import with_widths
from .budget import NARROW, WIDE, Part, at_the_layer
from .calibrate import Calibration

IMAGES = 16
"""So many calibration images are enough to tell layers apart."""

Place = tuple[int, int]
"""Of an image: its batch among those of all processes, and where in it."""


class Power(NamedTuple):
    """Sums of squares over one output for one image."""
    signal: float
    noise: float
    count: int


class AtTheOutputs:
    """A ``Reading``: Q and P at the outputs of the integer backbone that has
    narrow weights in this one layer, beside the one that has none.

    Processes share the images, and all of them read the same as one would.

    Args:
        calibration (Calibration): Its first images are run; its progress is
            told of every layer.
    """

    def __init__(self, calibration: Calibration):
        self._calibration = calibration

    def __call__(self, part: Part) -> dict[str, tuple[Measures, Measures]]:
        images = dict(self._first_images())
        wide = _outputs(part.lower(WIDE, part.roundings), images)
        layers, powers = at_the_layer(part), []
        for layer in layers:
            one = with_widths(part.roundings, {layer: NARROW})
            outputs = _outputs(part.lower(WIDE, one), images)
            powers.append({place: [*map(_power, wide[place], outputs[place])]
                           for place in images})
            self._calibration.progress('weighing the layers', len(powers),
                                       len(layers))
        shares = zip(*all_gather_object(powers))
        return {
            layer: (_measures(_first(share), narrow.C),
                    Measures(MAX_SQNR_DB, 0., wide.C))
            for (layer, (narrow, wide)), share in zip(layers.items(), shares)
        }

    def _first_images(self) -> Iterator[tuple[Place, Tensor]]:
        """Those that may be among the first ``IMAGES``, one by one: images of
        several sizes do not fit one batch."""
        rank, world = get_dist_info()
        for i, batch in enumerate(self._calibration.own_batches()):
            place = rank + i * world
            # Only the last batch of all can be smaller than those before it.
            if place * len(batch) >= IMAGES:
                return
            for j, image in enumerate(batch[:IMAGES]):
                yield (place, j), image[None].cpu()


@torch.no_grad()
def _outputs(model: nn.Module, images: Mapping[Place, Tensor]
             ) -> dict[Place, list[Tensor]]:
    """Of each image the logits, or the features."""
    results = {place: model(image) for place, image in images.items()}
    return {place: list(y) if isinstance(y, (tuple, list)) else [y]
            for place, y in results.items()}


def _power(y: Tensor, y_hat: Tensor) -> Power:
    y, y_hat = y.double(), y_hat.double()
    return Power(y.square().sum().item(), (y - y_hat).square().sum().item(),
                 y.numel())


def _first(share: tuple[dict[Place, list[Power]], ...]) -> list[list[Power]]:
    """Of the first images, in their order, what each process has of them."""
    found = {place: power for own in share for place, power in own.items()}
    return [found[place] for place in sorted(found)[:IMAGES]]


def _measures(powers: list[list[Power]], size: float) -> Measures:
    """Outputs count alike, whatever their scale."""
    each = []
    for output in zip(*powers):
        signal, noise, count = map(sum, zip(*output))
        each.append(Measures(decibel(signal / count, noise / count),
                             noise / count, size))
    return Measures(decibel(1., fmean(map(relative_error, each))),
                    fmean(one.P for one in each), size)
