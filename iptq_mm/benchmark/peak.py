"""What this machine can do at most: the two roofs of a roofline (Williams,
Waterman and Patterson, Communications of the ACM 52(4), 2009)."""
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from .. import ops
from .profile import Entry


@dataclass(frozen=True)
class Roofs:
    """
    Args:
        products (float): int8 multiply-accumulates a second.
        bandwidth (float): Bytes read or written a second, from and to memory
            beyond the caches.
    """
    products: float
    bandwidth: float

    def floor_ms(self, entry: Entry) -> float:
        """The least time in which an operator can be done."""
        return 1000 * max(entry.products / self.products,
                          entry.bytes / self.bandwidth)


SIZES = (512, 1024, 2048)
"""Sides of the products that are tried."""


def _fastest(run: Callable[[], object], rounds: int) -> float:
    """Seconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def measure_roofs() -> Roofs:
    """Measured with the instruction set and the threads that are set: the
    fastest of several large products, and a copy of 256 MB."""
    best = 0.
    for size in SIZES:
        x = torch.ones(size, size, dtype=torch.int8)
        # 100 is beyond 6 bits: those have another kernel.
        layer = (torch.full((size, size), 100, dtype=torch.int8),
                 torch.zeros(size, dtype=torch.int32),
                 torch.full((size, ), 2**30), torch.full((size, ), 45))
        seconds = _fastest(partial(ops.linear, x, *layer, 8), 15)
        best = max(best, size**3 / seconds)
    source = torch.ones(2**28, dtype=torch.int8)
    target = torch.empty_like(source)
    seconds = _fastest(lambda: target.copy_(source), 7)
    return Roofs(best, 2 * source.nbytes / seconds)
