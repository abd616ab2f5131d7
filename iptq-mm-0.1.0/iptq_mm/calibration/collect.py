"""The one pass over the calibration set."""
from __future__ import annotations

from itertools import islice
from typing import Any, Callable, Iterable, Iterator, Sized

import torch

from .collector import Collector


def take(batches: Iterable, num_batches: int) -> Iterator:
    """The first ``num_batches`` of ``batches``, one at a time.

    Raises:
        ValueError: If ``num_batches`` is not positive or there are fewer;
            before the first batch where ``batches`` has a length, after the
            last one otherwise.
    """
    if num_batches < 1:
        raise ValueError(
            f'calibration needs at least one batch, num_batches={num_batches}')
    if isinstance(batches, Sized):
        _require(len(batches), num_batches)
    seen = 0
    for batch in islice(batches, num_batches):
        seen += 1
        yield batch
    _require(seen, num_batches)


def _require(available: int, num_batches: int) -> None:
    if available < num_batches:
        raise ValueError(
            f'the calibration set has {available} batches, '
            f'num_batches={num_batches} were asked for: lower num_batches or '
            'add images')


@torch.no_grad()
def collect(collector: Collector,
            forward: Callable[[Any], Any],
            batches: Iterable,
            num_batches: int,
            progress: Callable[[int, int], None] | None = None,
            seen: int = 0) -> None:
    """Run the model over the calibration set while a collector watches.

    Args:
        collector (Collector): Not yet entered.
        forward (Callable): Runs the watched model once on a batch.
        batches (Iterable): The calibration set; one batch is held at a time.
        num_batches (int): How many of them to use.
        progress (Callable | None): Called after each batch with the number
            done and ``num_batches``.
        seen (int): How many of them the observers have seen before; these
            are passed over.

    Raises:
        ValueError: If there are too few batches.
        FloatingPointError: If a site carries NaN or Inf; names the site.
        UnreachedSiteError: If a site was never reached.
    """
    with collector:
        for done, batch in enumerate(take(batches, num_batches), 1):
            if done <= seen:
                continue
            forward(batch)
            if progress is not None:
                progress(done, num_batches)
