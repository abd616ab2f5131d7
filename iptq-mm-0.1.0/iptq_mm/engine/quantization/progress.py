"""What calibration shows while it runs."""
from rich.progress import Progress


class ProgressBars:
    """One bar for each pass over the calibration images."""

    def __init__(self, bars: Progress):
        self.bars, self.tasks = bars, {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self.tasks:
            self.tasks[what] = self.bars.add_task(what, total=total)
        self.bars.update(self.tasks[what], completed=done)
