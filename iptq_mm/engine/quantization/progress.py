"""The stages of quantization, and bars that show them."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.dist import is_main_process
from rich.progress import Progress

OBSERVING_CHANNELS = 'observing the channels'
OBSERVING = 'observing the float model'
SCORING = 'scoring the candidates'
OBSERVING_MIXED = 'observing the mixed model'
ROUNDING = 'rounding the weights'
OBSERVING_PARTS = 'observing neck and heads'


class ProgressBars:
    """One bar for each stage."""

    def __init__(self, bars: Progress):
        self.bars, self.tasks = bars, {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self.tasks:
            self.tasks[what] = self.bars.add_task(what, total=total)
        self.bars.update(self.tasks[what], completed=done)


@contextmanager
def bars() -> Iterator[ProgressBars]:
    """Bars on the screen; of several processes only the first has them."""
    with Progress(disable=not is_main_process()) as shown:
        yield ProgressBars(shown)
