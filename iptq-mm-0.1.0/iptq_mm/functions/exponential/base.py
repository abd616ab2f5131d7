"""What a Softmax needs to know of an approximate exponential."""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor


class Exponential(NamedTuple):
    """An exponential of non-positive numbers, in its two forms.

    Args:
        base (float): ``reduced(r)`` approximates ``base ** r``.
        reduced_range (tuple[float, float]): The interval of r.
        unit (float): What a depth in units of 1 is multiplied by before it
            enters: log2 e where the exponential is one of 2, else 1.
        reduced (Callable): float r -> float, the approximation itself.
        ideal (Callable): float x <= 0 -> float, over the whole range.
        integer (Callable): int64 x with 24 fractional bits, and the table's
            entries ->
            int64 in [0, 2^24].
        operations (int): Integer operations an element.
        relative_error (float): Bound of |integer / ideal - 1|.
        table (Callable, optional): int64 [n], entries that ``integer``
            reads.
    """
    base: float
    reduced_range: tuple[float, float]
    unit: float
    reduced: Callable[[Tensor], Tensor]
    ideal: Callable[[Tensor], Tensor]
    integer: Callable[[Tensor, Tensor], Tensor]
    operations: int
    relative_error: float
    table: Callable[[], Tensor] | None = None
