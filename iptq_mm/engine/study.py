"""A calibrated detector on which assignments can be tried by the hundred."""
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

import torch
from mmengine.runner import Runner
from torch import nn

from ..assignment import FITS, Layer, Measures, Score, choose, measure
from ..assignment.normalization import normalization
from ..assignment.policy import registered
from ..assignment.unified_metric import omega
from ..calibration import Sampler, Site
from ..evaluation.front import Point, descend
from ..evaluation.probe import Probe
from ..functions.base import Candidate
from ..lowering import Lowering, lowering_of, watchable
from .calibrate import WIDE, Calibration, thresholds
from .images import CalibrationImages
from .ptq_hook import PTQHook

PRICES = (0., 0.3, 3.)
"""dB that one operation more an element may cost, in the search."""


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
        runner.model)
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


def score(measures: Mapping[str, Mapping[str, Measures]], reading: str,
          allowed: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Score]]:
    """Omega of the allowed candidates of every layer.

    Args:
        measures (Mapping): As :meth:`Subject.measures` gives them.
        reading (str): Name of the normalization.
        allowed (Mapping[str, Sequence[str]]): Candidates of each layer.
    """
    result = {}
    for layer, names in allowed.items():
        plain = [measures[layer][name] for name in names]
        result[layer] = {
            name: Score(*raw, omega(*scaled))
            for name, raw, scaled in zip(names, plain,
                                         normalization(reading)(plain))
        }
    return result


def assigned(scores: Mapping[str, Mapping[str, Score]]) -> dict[str, str]:
    """Stage 2."""
    return {layer: choose(some) for layer, some in scores.items()}


def random_assignments(choices: Mapping[str, Sequence[str]], number: int,
                       seed: int) -> Iterator[dict[str, str]]:
    """Assignments drawn evenly, layer by layer."""
    draw = Random(seed)
    for _ in range(number):
        yield {layer: draw.choice(names) for layer, names in choices.items()}


def search(probe: Probe, starts: Sequence[Mapping[str, str]],
           progress: Callable[[], None]) -> list[Point]:
    """Coordinate descent from every start at every price.

    Returns:
        list[Point]: All assignments that were tried.
    """
    elements = sum(count for count, _ in probe.rows.values())
    choices = {
        layer: sorted(names)
        for layer, names in probe.candidates.items()
    }
    seen: dict[tuple, Point] = {}

    def cached(assignment: Mapping[str, str]) -> Point:
        key = tuple(assignment.values())
        if key not in seen:
            seen[key] = probe.attempt(assignment)
            progress()
        return seen[key]

    for start in starts:
        for price in PRICES:
            descend(cached(start), choices, cached, price / elements)
    return list(seen.values())
