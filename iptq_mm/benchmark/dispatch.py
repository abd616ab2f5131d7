"""What of a model's time is spent outside of the kernels."""
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..ops.native.core import FUNCTIONS, core


@dataclass(frozen=True)
class Dispatch:
    """One run.

    Args:
        ms (float): Of the whole model.
        kernels_ms (float): Of that inside the library of kernels.
        calls (int): Of its functions.
    """
    ms: float
    kernels_ms: float
    calls: int

    @property
    def overhead(self) -> float:
        """Share of the time before, between and after the calls."""
        return 1 - self.kernels_ms / self.ms


@contextmanager
def _timed(seconds: list[float]) -> Iterator[None]:
    """Notes the time of each call of the library."""
    library = core()
    functions = {name: getattr(library, name) for name in FUNCTIONS}

    def timed(function):

        def call(*args):
            began = time.perf_counter()
            status = function(*args)
            seconds.append(time.perf_counter() - began)
            return status

        return call

    for name, function in functions.items():
        setattr(library, name, timed(function))
    try:
        yield
    finally:
        for name, function in functions.items():
            setattr(library, name, function)


@torch.no_grad()
def measure_dispatch(model: nn.Module, images: Tensor,
                     rounds: int) -> Dispatch:
    """The fastest of so many runs; the blocks of a network are one call each.

    Args:
        model (nn.Module): Integer model.
        images (Tensor): float32 [B, 3, H, W].
        rounds (int): Runs.
    """
    runs = []
    for _ in range(rounds):
        seconds: list[float] = []
        with _timed(seconds):
            began = time.perf_counter()
            model(images)
            whole = time.perf_counter() - began
        runs.append(Dispatch(1000 * whole, 1000 * sum(seconds), len(seconds)))
    return min(runs, key=lambda run: run.ms)
