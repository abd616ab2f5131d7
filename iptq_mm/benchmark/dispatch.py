"""What of a model's time is spent outside of the kernels."""
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..ops.native.core import calls_seen


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


def timed_calls(seconds: list[float]) -> AbstractContextManager[None]:
    """Notes the time of each call of the library while the context lasts."""

    def timed(_: str, function: Callable[..., int], *arguments: Any) -> int:
        began = time.perf_counter()
        status = function(*arguments)
        seconds.append(time.perf_counter() - began)
        return status

    return calls_seen(timed)


@torch.no_grad()
def measure_dispatch(model: nn.Module, images: Tensor,
                     rounds: int) -> Dispatch:
    """The fastest of so many runs; a frozen network is one call.

    Args:
        model (nn.Module): Integer model.
        images (Tensor): float32 [B, 3, H, W].
        rounds (int): Runs.
    """
    runs = []
    for _ in range(rounds):
        seconds: list[float] = []
        with timed_calls(seconds):
            began = time.perf_counter()
            model(images)
            whole = time.perf_counter() - began
        runs.append(Dispatch(1000 * whole, 1000 * sum(seconds), len(seconds)))
    return min(runs, key=lambda run: run.ms)
