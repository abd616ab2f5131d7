import itertools

import pytest
import torch

from iptq_mm.assignment.unified_metric import MAX_SQNR_DB
from iptq_mm.assignment.widths import choose_narrow
from iptq_mm.calibration import Collector, SecondMoments
from iptq_mm.engine.quantization import calibrate, output_error
from iptq_mm.engine.quantization.budget import NARROW, WIDE, Part
from iptq_mm.engine.quantization.calibrate import Calibration
from iptq_mm.engine.quantization.output_error import IMAGES, AtTheOutputs
from iptq_mm.lowering import lowering_of, watchable
from iptq_mm.lowering.rounding.recorded import Recorded, with_widths
from iptq_mm.models.detectors.swin_backbone import (
    DEFAULT_BITS,
    DEFAULT_FUNCTIONS,
)
from iptq_mm.registry import APPROXIMATIONS

from classifiers import float_vit, images
from quantized import min_max_thresholds, sqnr_db

DEPTH = 2


@pytest.fixture(scope='module')
def batch():
    return images(IMAGES + 4)


@pytest.fixture(scope='module')
def part(batch):
    network = watchable(float_vit(depth=DEPTH))
    lowering = lowering_of(network, DEFAULT_BITS)
    moments = {layer: SecondMoments() for layer in lowering.linears()}
    with torch.no_grad(), Collector(network, lowering.linears(), moments):
        network(batch)
    functions = {
        layer: APPROXIMATIONS.get(DEFAULT_FUNCTIONS[kind])()
        for layer, kind in lowering.nonlinear_layers().items()
    }
    part = Part(
        network, min_max_thresholds(network, lowering.sites(), batch),
        functions, DEFAULT_BITS, Recorded('gptq', moments))
    for bits in (NARROW, WIDE):
        part.lower(bits, part.roundings)
    return part


def shown(batches, progress=lambda *_: None):
    return Calibration(batches, len(batches), dict(type='min_max'), 0,
                       progress)


@pytest.fixture(scope='module')
def read(part, batch):
    return AtTheOutputs(shown(batch.split(3)))(part)


def with_narrow(part, layers):
    return part.lower(WIDE, with_widths(
        part.roundings, dict.fromkeys(layers, NARROW)))


@torch.no_grad()
def test_it_is_the_error_at_the_outputs_of_the_first_images(part, read,
                                                            batch):
    assert len(read) == 4 * DEPTH
    seen, wide = batch[:IMAGES], part.lower(WIDE, part.roundings)
    for layer, (narrow, other) in read.items():
        model = with_narrow(part, [layer])
        assert narrow.Q == pytest.approx(sqnr_db(wide(seen), model(seen)))
        assert other.Q == MAX_SQNR_DB and not other.P
        assert 0 < narrow.C < other.C


@torch.no_grad()
def test_what_is_chosen_is_near_what_a_search_finds(part, read, batch):
    """Against all sets of as many layers of the same bytes or more, and
    against the custom to leave the first and the last layers wide."""
    narrow = {layer: both[0] for layer, both in read.items()}
    wide = {layer: both[1] for layer, both in read.items()}
    every = sum(wide[name].C - narrow[name].C for name in wide)
    exact = part.module(batch)

    def saved(layers):
        return sum(wide[name].C - narrow[name].C for name in layers)

    def quality(layers):
        return sqnr_db(exact, with_narrow(part, layers)(batch))

    chosen = choose_narrow(narrow, wide, every / 2)
    found = quality(chosen)
    others = [layers for count in range(1, len(read))
              for layers in itertools.combinations(read, count)
              if saved(layers) >= saved(chosen)]
    best = max(map(quality, others))
    assert found > best - 1
    layers = list(read)
    ends = [*layers[1:-1]]
    custom = ends[:next(i for i in range(1, len(ends) + 1)
                        if saved(ends[:i]) >= saved(chosen))]
    assert found > quality(custom) - .1


def test_progress_is_told_of_every_layer(part, batch):
    told = []
    AtTheOutputs(
        shown([batch[:1]], lambda *what: told.append(what)))(part)
    assert told[-1] == ('weighing the layers', 4 * DEPTH, 4 * DEPTH)


@torch.no_grad()
def test_images_that_calibration_does_not_see_are_not_looked_at(part, batch):
    """Where fewer are calibrated on than are looked at at most."""
    broken = torch.full_like(batch[:1], float('nan'))
    few = Calibration([batch[:2], broken], 1, dict(type='min_max'), 0,
                      lambda *_: None)
    found = AtTheOutputs(few)(part)
    assert found == AtTheOutputs(shown([batch[:2]]))(part)


@pytest.mark.parametrize('size', [3, 16])
def test_processes_read_what_one_does(part, batch, read, size, monkeypatch):
    """From shares of the images: fewer than are looked at, more, or none."""
    batches, world = batch.split(size), 2
    gathered = []

    def reading(rank):
        monkeypatch.setattr(output_error, 'get_dist_info',
                            lambda: (rank, world))
        monkeypatch.setattr(calibrate, 'get_dist_info',
                            lambda: (rank, world))
        share = Calibration(batches[rank::world], len(batches),
                            dict(type='min_max'), 0, lambda *_: None)
        return AtTheOutputs(share)(part)

    def gather(powers):
        gathered.append(powers)
        return gathered

    monkeypatch.setattr(output_error, 'all_gather_object', gather)
    reading(0)
    together = reading(1)
    assert gathered[0] != gathered[1]
    assert together == read
