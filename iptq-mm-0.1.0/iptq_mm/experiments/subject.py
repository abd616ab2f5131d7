"""A calibrated network on which assignments can be tried by the hundred."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from mmengine.runner import Runner
from torch import nn

from ..assignment import FITS, Layer, Measures, measure
from ..assignment.policy import registered
from ..calibration import Sampler, Site
from ..engine.quantization.calibrate import WIDE, Calibration, thresholds
from ..engine.quantization.images import CalibrationImages
from ..engine.quantization.ptq_hook import PTQHook
from ..evaluation.probe import Probe
from ..functions.base import Candidate
from ..lowering import Lowering, lowering_of, watchable


@dataclass(frozen=True)
class Subject:
    """A float backbone, calibrated once: two assignments differ in their
    functions and in nothing else.

    Args:
        lowering (Lowering): Of the backbone.
        thresholds (Mapping[str, float]): Of every site.
        layers (Mapping[str, Layer]): Non-linear layers at their scales.
        samples (Mapping[str, Tensor]): Float input [T, L] of each.
        search (Sequence[Tensor]): Batches that calibration has not seen.
    """
    backbone: nn.Module
    lowering: Lowering
    thresholds: Mapping[str, float]
    layers: Mapping[str, Layer]
    samples: Mapping[str, torch.Tensor]
    search: Sequence[torch.Tensor]

    def candidates(self, fit: str) -> dict[str, dict[str, Candidate]]:
        """All of them by layer and name, fitted to whose data ``fit`` says."""
        names = {
            layer: registered(kind)
            for layer, kind in self.lowering.nonlinear_layers().items()
        }
        return FITS.get(fit)(names, self.samples)

    def probe(self, images: Sequence[torch.Tensor], fit: str) -> Probe:
        """Tries assignments on some images."""
        return Probe(self.backbone, self.lowering, self.thresholds,
                     self.candidates(fit), images)

    def measures(self, fit: str) -> dict[str, dict[str, Measures]]:
        """Q, P and C of every candidate of every layer."""
        return {
            layer: {
                name: measure(self.layers[layer], self.samples[layer], one)
                for name, one in some.items()
            }
            for layer, some in self.candidates(fit).items()
        }


@torch.no_grad()
def prepare(runner: Runner, hook: PTQHook, num_search: int) -> Subject:
    """Calibrate the float backbone of a runner's model.

    Args:
        runner (Runner): With the float model.
        hook (PTQHook): Says how to calibrate.
        num_search (int): Batches after those of calibration to search on.

    Raises:
        UserError: If there are too few images.
    """
    backbone = watchable(runner.model.eval().backbone)
    images = CalibrationImages(
        runner.build_dataloader(hook.calib_dataloader, hook.seed),
        runner.model.data_preprocessor)
    lowering = lowering_of(backbone, hook.bits)
    sites, kinds = lowering.sites(), lowering.nonlinear_layers()
    samplers = {layer: Sampler(seed=hook.seed) for layer in kinds}
    inputs = {layer: Site(layer, 'input', WIDE) for layer in kinds}
    calibration = Calibration(images, hook.num_batches, hook.observer,
                              hook.seed, lambda *_: None)
    observers = calibration.observers(sites)
    calibration.watch(backbone, {**sites, **inputs}, observers, samplers,
                      'observing')
    ranges = thresholds(sites, observers)
    first = hook.num_batches
    return Subject(
        backbone, lowering, ranges, lowering.layers(ranges),
        {layer: sampler.rows
         for layer, sampler in samplers.items()},
        list(islice(images, first, first + num_search)))
