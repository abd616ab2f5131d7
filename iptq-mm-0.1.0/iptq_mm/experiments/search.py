"""Assignments: by the metric, at random, and the best that a search finds."""
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random

from ..assignment import Measures, Score, choose
from ..assignment.normalization import normalization
from ..assignment.unified_metric import omega
from ..evaluation.front import Point, descend
from ..evaluation.probe import Probe

PRICES = (0., 0.3, 3.)
"""dB that one operation more an element may cost, in the search."""


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
