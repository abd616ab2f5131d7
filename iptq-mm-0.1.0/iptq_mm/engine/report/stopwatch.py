"""How long a module takes for an image."""
import statistics
import time

import torch
from torch import nn


class Stopwatch:
    """Context that times every forward call of a module.

    On an accelerator the queue is drained before each reading, so that the
    time is the module's own.

    Args:
        module (nn.Module): Called with a batch tensor [B, ...], as its first
            argument or as ``inputs``.
    """

    def __init__(self, module: nn.Module):
        self._module, self._handles = module, []
        self._seconds: list[float] = []

    @property
    def milliseconds(self) -> float:
        """Median time per image in ms over the calls; NaN without any."""
        if not self._seconds:
            return float('nan')
        return 1000 * statistics.median(self._seconds)

    def __enter__(self) -> 'Stopwatch':
        self._handles = [
            self._module.register_forward_pre_hook(self._start),
            self._module.register_forward_hook(self._stop, with_kwargs=True)
        ]
        return self

    def __exit__(self, *_) -> None:
        for handle in self._handles:
            handle.remove()

    def _start(self, *_) -> None:
        self._began = self._now()

    def _stop(self, module, args, kwargs, output) -> None:
        batch = args[0] if args else kwargs['inputs']
        self._seconds.append((self._now() - self._began) / len(batch))

    @staticmethod
    def _now() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()
