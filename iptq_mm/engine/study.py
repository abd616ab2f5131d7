"""Whether the Unified Metric chooses well: a detector under study."""
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

import torch
from mmengine.config import Config
from torch import Tensor

from ..assignment import FITS, Layer, Score, choose, measure
from ..assignment.normalization import Measures, normalization
from ..assignment.policy import registered
from ..assignment.unified_metric import omega
from ..calibration import Sampler
from ..evaluation.front import Point, descend
from ..evaluation.probe import Probe
from ..functions.base import Candidate
from ..lowering import nonlinear_layers, swin_layers, swin_sites
from ..registry import HOOKS
from .calibrate import Calibration
from .config import ptq_hook_config
from .images import CalibrationImages
from .runner import build_runner

PRICES = (0., 0.1, 0.3, 1., 3.)
"""What one operation more per element may cost: dB."""


@dataclass(frozen=True)
class Subject:
    """A float backbone, calibrated once.

    Args:
        layers (Mapping[str, Layer]): Non-linear layers at their scales.
        samples (Mapping[str, Tensor]): Float input [T, L] of each.
        candidates (Mapping[str, Mapping[str, Candidate]]): Fitted, by layer
            and name.
        search (Probe): On training images that calibration has not seen.
        val (Probe): On test images.
    """
    layers: Mapping[str, Layer]
    samples: Mapping[str, Tensor]
    candidates: Mapping[str, Mapping[str, Candidate]]
    search: Probe
    val: Probe

    def measures(self) -> dict[str, dict[str, Measures]]:
        """Q, P and C of every candidate of every layer."""
        return {
            name: {
                candidate: measure(layer, self.samples[name], instance)
                for candidate, instance in self.candidates[name].items()
            }
            for name, layer in self.layers.items()
        }

    def random_assignments(self, number: int,
                           seed: int) -> Iterator[dict[str, str]]:
        """Assignments drawn evenly, layer by layer."""
        draw = Random(seed)
        for _ in range(number):
            yield {
                layer: draw.choice(sorted(names))
                for layer, names in self.candidates.items()
            }


def prepare(config: Config, num_search: int, num_val: int,
            seed: int) -> Subject:
    """Calibrate the float model of a config with a ``PTQHook``.

    Args:
        config (Config): As ``resolve`` gives it.
        num_search (int): Batches after the calibration ones to search on.
        num_val (int): Test batches to report on.
        seed (int): Picks calibration images and sampled rows.
    """
    runner = build_runner(config, 'cpu', trust=False)
    hook = HOOKS.build(ptq_hook_config(config))
    runner.model.eval()
    swin = runner.model.backbone
    images = CalibrationImages(
        runner.build_dataloader(hook.calib_dataloader, seed), runner.model)
    tests = CalibrationImages(runner.test_dataloader, runner.model)
    kinds = nonlinear_layers(swin)
    samplers = {layer: Sampler(seed=seed) for layer in kinds}
    with torch.no_grad():
        thresholds = Calibration(
            images, hook.num_batches, hook.observer, seed,
            lambda *_: None).thresholds(swin, swin_sites(swin, hook.bits),
                                        samplers, 'observing')
    samples = {layer: sampler.rows for layer, sampler in samplers.items()}
    candidates = FITS.get(hook.fit)(
        {layer: registered(kind)
         for layer, kind in kinds.items()}, samples)

    def probe(batches: CalibrationImages, first: int, number: int) -> Probe:
        return Probe(swin, thresholds, candidates,
                     list(islice(batches, first, first + number)), hook.bits)

    return Subject(
        swin_layers(swin, thresholds, hook.bits), samples, candidates,
        probe(images, hook.num_batches, num_search),
        probe(tests, 0, num_val))


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


def attempt(probe: Probe, assignment: Mapping[str, str]) -> Point:
    """Try an assignment."""
    return Point(assignment, probe.operations(assignment),
                 probe.sqnr_db(assignment))


def search(subject: Subject, starts: Sequence[Mapping[str, str]],
           progress: Callable[[], None]) -> list[Point]:
    """Coordinate descent from every start at every price, on the search
    images.

    Returns:
        list[Point]: All assignments that were tried.
    """
    elements = sum(
        count for count, _ in subject.search.rows.values())
    seen: dict[tuple, Point] = {}

    def cached(assignment: Mapping[str, str]) -> Point:
        key = tuple(assignment.values())
        if key not in seen:
            seen[key] = attempt(subject.search, assignment)
            progress()
        return seen[key]

    choices = {
        layer: sorted(names)
        for layer, names in subject.candidates.items()
    }
    for start in starts:
        for price in PRICES:
            descend(cached(start), choices, cached, price / elements)
    return list(seen.values())
