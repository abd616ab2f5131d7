"""Softmax as fractions: exponentials, and what each is of their sum.

Most candidates are this and differ in their exponential alone.
"""
from typing import ClassVar

import torch
from torch import Tensor
from typing_extensions import Self

from ..exponential.base import Exponential
from . import row


class FractionSoftmax:
    """What such candidates share; a candidate names its ``approximation``.

    Integer operations an element are 11 + 2 / N, and those of the
    exponential: scores 6, division 5, a row of N elements 2.
    """
    kind = 'softmax'
    name: ClassVar[str]
    fitted = False
    out_dtype = torch.int32
    approximation: ClassVar[Exponential]
    base: ClassVar[float]
    reduced_range: ClassVar[tuple[float, float]]

    def __init_subclass__(cls) -> None:
        cls.base = cls.approximation.base
        cls.reduced_range = cls.approximation.reduced_range

    @classmethod
    def fit(cls, samples: Tensor) -> Self:
        """Nothing here depends on data."""
        return cls()

    def exponential(self, r: Tensor) -> Tensor:
        """Approximates ``base`` to the power of r, in ``reduced_range``."""
        return self.approximation.reduced(r)

    def ideal(self, x: Tensor) -> Tensor:
        """The approximate Softmax over the last axis, not quantized."""
        depth = x - x.amax(-1, keepdim=True)
        return row.normalize_float(
            self.approximation.ideal(depth * self.approximation.unit))

    def operations(self, row_length: int) -> float:
        """Integer operations an element."""
        return row.operations(self.approximation.operations, row_length)

    def error_bound(self, in_scale: float, row_length: int,
                    bits: int = 8) -> float:
        """2^-(bits + 1) for the rounding, 2^-24 row_length for the sum, and
        what the exponential adds: also where the largest of a row, a little
        above 1, saturates in a row of half the scale."""
        relative = self.approximation.relative_error
        largest = float(self.approximation.ideal(
            torch.zeros(1, dtype=torch.float64)))
        return (row.rounding_error(bits) + (relative + largest - 1) / 2
                + row.probability_error(relative, row_length))

    def lower(self, in_scale: float, bits: int = 8) -> Tensor:
        """int64: the 4 of ``row.lower``, then the exponential's table."""
        params = row.lower(in_scale, unit=self.approximation.unit, bits=bits)
        table = self.approximation.table
        return params if table is None else torch.cat([params, table()])

    @staticmethod
    def out_scale(bits: int = 8) -> float:
        """2^-(bits + 12)."""
        return row.out_scale(bits)

    @staticmethod
    def code_scale(bits: int = 8) -> float:
        """1 / (2^bits - 1)."""
        return row.code_scale(bits)

    @classmethod
    def params_shape(cls, channels: int) -> tuple[int, ...]:
        """[4], and as many as the table has."""
        table = cls.approximation.table
        return (row.PARAMS + (0 if table is None else len(table())), )

    @classmethod
    def integer(cls, x: Tensor, params: Tensor) -> Tensor:
        """int32 [..., N], |x| <= 2^24 -> int64 [..., N] in
        [0, 2^(bits + 12))."""
        return row.normalize(cls._exponentials(x, params), params)

    @classmethod
    def codes(cls, x: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """int32 [..., N], |x| <= 2^24 -> int64 [..., N] in [0, 2^bits - 1]
        and [..., 1], see ``row.codes``."""
        return row.codes(cls._exponentials(x, params), params)

    @classmethod
    def _exponentials(cls, x: Tensor, params: Tensor) -> Tensor:
        exponents, entries = row.exponents(x, params), params
        if cls.approximation.table is not None:
            entries = params[row.PARAMS:]
        return cls.approximation.integer(exponents, entries)
