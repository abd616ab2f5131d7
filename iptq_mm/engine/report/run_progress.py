"""How far a whole run is, over all of its stages."""
from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from ..quantization.progress import (
    OBSERVING,
    OBSERVING_CHANNELS,
    OBSERVING_MIXED,
    OBSERVING_PARTS,
    ROUNDING,
    SCORING,
)

EVALUATING_FLOAT = 'evaluating the float model'
EVALUATING_INTEGER = 'evaluating the integer model'

COSTS = {
    OBSERVING_CHANNELS: 1., OBSERVING: 1.7, OBSERVING_MIXED: 2.3,
    ROUNDING: 5.3, OBSERVING_PARTS: 4.
}
"""What a calibration image costs in each stage, next to the first, as it was
on two cores for the bundled Mask R-CNN. They share out the remaining time; how
long that is the stages before tell."""

SCORING_COST = 16.
"""Likewise of all images together: what is scored is a sample."""

HEADS = 2.
"""What float neck and heads cost in a test image."""

BATCHED = .5
"""Likewise the float network of a classifier, whose images come in batches."""

INTEGER = .3
"""Of the float part's cost."""


def expected(calibration: int, test: int, equalize: bool, detector: bool,
             whole: bool) -> dict[str, float]:
    """The stages of a run in their order, and what each costs.

    Args:
        calibration, test (int): Numbers of images.
        equalize (bool): As the hook does.
        detector (bool): Whether the model is one.
        whole (bool): Whether neck and heads are quantized too.
    """
    network, heads = (1., HEADS) if detector else (BATCHED, 0.)
    costs = {
        OBSERVING_CHANNELS: COSTS[OBSERVING_CHANNELS] * calibration * equalize,
        OBSERVING: COSTS[OBSERVING] * calibration,
        SCORING: SCORING_COST,
        OBSERVING_MIXED: COSTS[OBSERVING_MIXED] * calibration,
        ROUNDING: COSTS[ROUNDING] * calibration,
        OBSERVING_PARTS: COSTS[OBSERVING_PARTS] * calibration * whole,
        EVALUATING_FLOAT: (network + heads) * test,
        EVALUATING_INTEGER:
        (INTEGER * network + heads * (INTEGER if whole else 1.)) * test
    }
    return {stage: cost for stage, cost in costs.items() if cost}


class RunProgress:
    """A bar for the stage that a run is at, and one over all stages.

    Args:
        costs (Mapping[str, float]): Of :func:`expected`.
        bars (Progress): Where they are shown. On no terminal a line is
            printed as each stage begins.
    """

    def __init__(self, costs: Mapping[str, float], bars: Progress):
        self.costs, self.bars = dict(costs), bars
        self.shares: dict[str, float] = {}
        self.began = time.perf_counter()
        self.stage = bars.add_task(next(iter(costs)), total=1)
        self.all = bars.add_task('all stages', total=sum(costs.values()))

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self.shares and not self.bars.console.is_terminal:
            self.bars.console.print(self._line(what))
        self.shares[what] = max(self.shares.get(what, 0.), done / total)
        self.bars.update(self.stage, description=what, completed=done,
                         total=total)
        self.bars.update(self.all, completed=self.done())

    def done(self) -> float:
        """Cost of what is behind; a stage behind another is over."""
        names = [name for name in self.costs if name in self.shares]
        return sum(self.costs[name] * (
            self.shares[name] if name == names[-1] else 1.)
            for name in names)

    def seconds_left(self) -> float | None:
        """By what the stages before took; None at the very beginning."""
        done = self.done()
        if not done:
            return None
        elapsed = time.perf_counter() - self.began
        return elapsed * (sum(self.costs.values()) - done) / done

    def _line(self, what: str) -> str:
        left = self.seconds_left()
        place = [*self.costs].index(what) + 1 if what in self.costs else '-'
        after = '' if left is None else f', about {left:.0f} s left of all'
        return f'stage {place} of {len(self.costs)}: {what}{after}'


class EvaluationProgress(Hook):
    """Tells a ``RunProgress`` of a test loop.

    Args:
        progress (RunProgress): What is told.

    Attributes:
        what (str): The stage.
    """

    def __init__(self, progress: RunProgress):
        self.progress, self.what = progress, EVALUATING_FLOAT

    def after_test_iter(self, runner: Runner, batch_idx: int,
                        data_batch: dict | None = None,
                        outputs: object = None) -> None:
        """One batch more."""
        self.progress(self.what, batch_idx + 1, len(runner.test_dataloader))


@contextmanager
def run_progress(costs: Mapping[str, float],
                 logger: logging.Logger) -> Iterator[RunProgress]:
    """Bars at the bottom of the screen, with the lines of a logger above
    them; of several processes only the first has them.

    Args:
        costs (Mapping[str, float]): Of :func:`expected`.
        logger (Logger): Whose lines must not run into the bars.
    """
    bars = Progress(
        TextColumn('{task.description:<28}'), BarColumn(24),
        TaskProgressColumn(), TimeRemainingColumn(),
        console=Console(file=sys.stdout), disable=not is_main_process(),
        transient=True)
    with bars:
        handlers = [handler for handler in logger.handlers
                    if type(handler) is logging.StreamHandler]
        streams = [handler.setStream(sys.stdout) for handler in handlers]
        try:
            yield RunProgress(costs, bars)
        finally:
            for handler, stream in zip(handlers, streams):
                if stream is not None:
                    handler.setStream(stream)
