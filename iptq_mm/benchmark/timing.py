"""Times of several runtimes, taken in turns."""
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

PAUSE = 0.05
"""Seconds before each run: the threads of the runtime before it still wait
for work in a loop, on the processor that the next one needs."""


@torch.no_grad()
def interleave(runs: Mapping[str, Callable[[Tensor], object]], images: Tensor,
               rounds: int, clock: Callable[[], float] = time.perf_counter,
               warm_up: int = 3) -> dict[str, list[float]]:
    """Run each in turn, round by round: what else the machine does meanwhile
    then slows down all of them. In its turn a runtime runs twice, and the
    second run counts: one of many images, not one after a rest, with threads
    asleep and weights in no cache.

    Args:
        runs (Mapping[str, Callable]): What to time, by name.
        images (Tensor): float32 [B, 3, H, W].
        rounds (int): Times to take of each.
        clock (Callable[[], float]): Gives seconds.
        warm_up (int): Runs of each before that.

    Returns:
        dict[str, list[float]]: Milliseconds of each run.
    """
    for run in runs.values():
        for _ in range(warm_up):
            run(images)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(PAUSE)
            run(images)
            began = clock()
            run(images)
            times[name].append(1000 * (clock() - began))
    return times
