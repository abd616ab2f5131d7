"""Observers: what range a site's quantizer shall cover.

An observer sees float tensors and answers with one threshold T >= 0, from
which lowering makes the site's scale T / (2^(bits-1) - 1). Each registered
name is a pair: the statistics that are kept, and the rule that turns them
into T. Statistics of several processes merge exactly, in any order.
"""
import math
from functools import partial
from typing import Callable, Generic, TypeVar

from torch import Tensor

from ..registry import OBSERVERS
from . import thresholds
from .histogram import Histogram
from .range import Range

Statistics = TypeVar('Statistics', Range, Histogram)


class Observer(Generic[Statistics]):
    """Statistics of one site, and the rule that makes a threshold of them.

    Args:
        statistics (Range | Histogram): What is kept.
        rule (Callable): ``rule(statistics, bits) -> T``.
    """

    def __init__(self, statistics: Statistics,
                 rule: Callable[[Statistics, int], float]):
        self.statistics: Statistics = statistics
        self.rule: Callable[[Statistics, int], float] = rule

    @property
    def min(self) -> float:
        """Smallest value observed, exact; +inf before any."""
        return self.statistics.low

    @property
    def max(self) -> float:
        """Largest value observed, exact; -inf before any."""
        return self.statistics.high

    def observe(self, x: Tensor) -> None:
        """See a float tensor of any shape; nothing of it is kept.

        Raises:
            FloatingPointError: If ``x`` holds NaN or Inf.
        """
        self.statistics.observe(x)

    def threshold(self, bits: int) -> float:
        """Magnitude T beyond which a ``bits``-bit quantizer shall clip; 0
        where only zeros were seen.

        Raises:
            RuntimeError: If nothing was observed.
        """
        return self.rule(self.statistics, bits)

    def merge(self, other: 'Observer[Statistics]') -> None:
        """Add what an observer with the same kind of statistics has seen."""
        self.statistics.merge(other.statistics)

    def state_dict(self) -> dict[str, Tensor]:
        """The statistics as plain CPU tensors."""
        return self.statistics.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Replace the statistics by saved ones."""
        self.statistics.load_state_dict(state)


@OBSERVERS.register_module(name='min_max')
def min_max(headroom: float = 1.) -> Observer:
    """Clips nothing of what it sees; keeps two numbers.

    Args:
        headroom (float): T is so many times the largest magnitude, at least
            1: other images go beyond what some tens of them show.

    Raises:
        ValueError: If ``headroom`` is below 1 or not finite.
    """
    if not 1 <= headroom < math.inf:
        raise ValueError(f'headroom must be at least 1, got {headroom}')
    return Observer(Range(), partial(thresholds.largest, headroom=headroom))


@OBSERVERS.register_module(name='percentile')
def percentile(percent: float = 99.99) -> Observer:
    """Clips the largest magnitudes.

    Args:
        percent (float): Share of magnitudes that stay unclipped, in
            (0, 100].

    Raises:
        ValueError: If ``percent`` is outside its range.
    """
    if not 0 < percent <= 100:
        raise ValueError(f'percent must lie in (0, 100], got {percent}')
    return Observer(Histogram(),
                    partial(thresholds.percentile, percent=percent))


@OBSERVERS.register_module(name='mse')
def mse() -> Observer:
    """Clips where rounding and clipping together cost the least squared
    error at the site's width."""
    return Observer(Histogram(), thresholds.least_squares)
