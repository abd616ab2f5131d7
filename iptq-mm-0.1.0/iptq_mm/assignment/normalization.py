"""Bringing Q, P and C of a layer's candidates to a common range.

A normalization is a function of the measures of all candidates of one layer,
registered under the name that a configuration gives. Each takes and returns a
list of :class:`Measures`, in the same order; all but ``raw`` return values in
[0, 1], defined for a single candidate and for equal ones too.

What to ask of one: Omega shall prefer a candidate that is a little worse and
much cheaper, and not one that is much worse and a little cheaper, and a
candidate that nobody would take shall not change the choice among the
others. ``minmax``, ``rank`` and ``zscore`` stretch any difference, however
small, and look at all candidates, the poor ones too; ``reference`` looks at
the best of each measure only and keeps small differences small.
"""
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mmengine.registry import Registry


class Measures(NamedTuple):
    """Q, P and C of one candidate, raw or normalized.

    Raw: Q in dB, P a mean squared error, C in integer operations per element.
    """
    Q: float
    P: float
    C: float


Normalization = Callable[[Sequence[Measures]], list[Measures]]

NORMALIZATIONS = Registry('normalization', scope='iptq_mm')

EQUAL = 0.5
"""What ``minmax``, ``rank`` and ``zscore`` make of equal values."""

SPAN_DB = 20.
"""``reference`` calls a candidate as bad as can be that is so many dB below
the best: then it alone makes the layer's error."""


def normalization(name: str) -> Normalization:
    """The normalization of a name.

    Raises:
        ValueError: If there is none; names those that exist.
    """
    if name not in NORMALIZATIONS:
        raise ValueError(f"no normalization '{name}'; there are: "
                         + ', '.join(sorted(NORMALIZATIONS.module_dict)))
    return NORMALIZATIONS.get(name)


def _each(column: Callable[[Sequence[float]], list[float]]) -> Normalization:
    """The same function for Q, for P and for C."""
    return lambda measures: [
        Measures(*row) for row in zip(*map(column, zip(*measures)))
    ]


@NORMALIZATIONS.register_module()
def raw(measures: Sequence[Measures]) -> list[Measures]:
    """The paper's formula on plain values: the cheapest always wins, unless
    costs differ by less than a hundredth."""
    return list(measures)


@NORMALIZATIONS.register_module()
def minmax(measures: Sequence[Measures]) -> list[Measures]:
    """The least is 0, the largest 1, linear between."""
    return _each(_minmax)(measures)


def _minmax(values: Sequence[float]) -> list[float]:
    low, span = min(values), max(values) - min(values)
    return [(v - low) / span if span else EQUAL for v in values]


@NORMALIZATIONS.register_module()
def rank(measures: Sequence[Measures]) -> list[Measures]:
    """The share of the other candidates with less; equal ones count half."""
    return _each(_rank)(measures)


def _rank(values: Sequence[float]) -> list[float]:
    if len(values) == 1:
        return [EQUAL]
    # Its own equality with itself is the half that is taken off again.
    return [(sum(w < v for w in values) + sum(w == v for w in values) / 2
             - .5) / (len(values) - 1) for v in values]


@NORMALIZATIONS.register_module()
def zscore(measures: Sequence[Measures]) -> list[Measures]:
    """Standard deviations from the mean, through the logistic function."""
    return _each(_zscore)(measures)


def _zscore(values: Sequence[float]) -> list[float]:
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(
        math.fsum((v - mean)**2 for v in values) / len(values))
    return [1 / (1 + math.exp((mean - v) / spread)) if spread else EQUAL
            for v in values]


@NORMALIZATIONS.register_module()
def reference(measures: Sequence[Measures]) -> list[Measures]:
    """Each measure beside the best one of the layer.

    Q: dB below the best, 20 dB and more being 0 and the best 1. P: the part
    of the error that the best would not have made, 1 - P_best / P. C: the
    part of the operations that the cheapest would save, 1 - C_best / C.
    """
    best = max(m.Q for m in measures)
    least_error = min(m.P for m in measures)
    least_cost = min(m.C for m in measures)
    return [
        Measures(
            max(0., 1 - (best - m.Q) / SPAN_DB), _excess(m.P, least_error),
            _excess(m.C, least_cost)) for m in measures
    ]


def _excess(value: float, least: float) -> float:
    return 1 - least / value if value > 0 else 0.
