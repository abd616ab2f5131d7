"""What narrow weights of one layer do to the outputs of a backbone.

Where errors go is not seen at the layer that makes them: one in the stream of
the first block is read by all that follow, one in the last block by the head
alone.
"""
from collections.abc import Iterable, Iterator
from itertools import islice

import torch
from torch import Tensor, nn

from ...assignment.normalization import Measures
from ...assignment.unified_metric import MAX_SQNR_DB, decibel, perturbation
from ...lowering.rounding.recorded import with_widths
from .budget import NARROW, WIDE, Part, at_the_layer
from .calibrate import Progress

IMAGES = 16
"""So many calibration images are enough to tell layers apart."""


class AtTheOutputs:
    """A ``Reading``: Q and P at the outputs of the integer backbone that has
    narrow weights in this one layer, beside the one that has none.

    Args:
        batches (Iterable[Tensor]): Calibration images, as the backbone takes
            them.
        progress (Progress): Is told of every layer.
    """

    def __init__(self, batches: Iterable[Tensor], progress: Progress):
        self._batches, self._progress = batches, progress

    def __call__(self, part: Part) -> dict[str, tuple[Measures, Measures]]:
        images = list(self._first_images())
        wide = _outputs(part.lower(WIDE, part.roundings), images)
        found, layers = {}, at_the_layer(part)
        for layer, (narrow_here, wide_here) in layers.items():
            one = with_widths(part.roundings, {layer: NARROW})
            outputs = _outputs(part.lower(WIDE, one), images)
            found[layer] = (_measured(wide, outputs, narrow_here.C),
                            Measures(MAX_SQNR_DB, 0., wide_here.C))
            self._progress('weighing the layers', len(found), len(layers))
        return found

    def _first_images(self) -> Iterator[Tensor]:
        """One by one: images of several sizes do not fit one batch."""
        images = (image[None].cpu()
                  for batch in self._batches for image in batch)
        return islice(images, IMAGES)


@torch.no_grad()
def _outputs(model: nn.Module, images: list[Tensor]) -> list[list[Tensor]]:
    """Of each image the logits, or the features."""
    results = map(model, images)
    return [list(y) if isinstance(y, (tuple, list)) else [y] for y in results]


def _measured(wide: list[list[Tensor]], narrow: list[list[Tensor]],
              size: float) -> Measures:
    """Outputs count alike, whatever their scale."""
    powers, errors = [], []
    for before, after in zip(zip(*wide), zip(*narrow)):
        y, y_hat = (torch.cat([image.flatten() for image in images])
                    for images in (before, after))
        powers.append(perturbation(y, y_hat))
        errors.append(10**(-decibel(y.double().square().mean().item(),
                                    powers[-1]) / 10))
    return Measures(decibel(1., sum(errors) / len(errors)),
                    sum(powers) / len(powers), size)
