"""Softmax by a table of 2^r."""
import math

import torch
from torch import Tensor

from iptq_mm.registry import APPROXIMATIONS

from ..exponential.table_exp import (
    ENTRIES,
    OPERATIONS,
    REDUCED_RANGE,
    RELATIVE_ERROR,
    table,
    table_exp,
    table_exp_float,
    table_exp_reduced,
)
from . import row


@APPROXIMATIONS.register_module(name='table_softmax')
class TableSoftmax:
    """Softmax with 2^r from 65 entries and the chords between them.

    As good as 8 bits allow: within half an output step of Softmax itself,
    but for 8e-6 of the chords and 2^-24 a score of the row.
    """
    kind = 'softmax'
    name = 'table_softmax'
    fitted = False
    out_dtype = torch.int32
    base = 2.
    reduced_range = REDUCED_RANGE

    @classmethod
    def fit(cls, samples: Tensor) -> 'TableSoftmax':
        """Nothing here depends on data."""
        return cls()

    def exponential(self, r: Tensor) -> Tensor:
        """Approximates 2^r, r in [0, 1)."""
        return table_exp_reduced(r)

    def ideal(self, x: Tensor) -> Tensor:
        """The approximate Softmax over the last axis, not quantized."""
        depth = x - x.amax(-1, keepdim=True)
        return row.normalize_float(
            table_exp_float(depth * math.log2(math.e)))

    def operations(self, row_length: int) -> float:
        """26 + 2 / row_length: scores 6, exponential 15, division 5, a
        row 2."""
        return row.operations(OPERATIONS, row_length)

    def error_bound(self, in_scale: float, row_length: int,
                    bits: int = 8) -> float:
        """2^-(bits + 1) + 2^-21 + 2^-24 row_length."""
        return row.rounding_error(bits) + row.probability_error(
            RELATIVE_ERROR, row_length)

    def lower(self, in_scale: float, bits: int = 8) -> Tensor:
        """int64 [69]: the 4 of ``row.lower``, then the table."""
        return torch.cat([
            row.lower(in_scale, unit=math.log2(math.e), bits=bits),
            table()])

    @staticmethod
    def out_scale(bits: int = 8) -> float:
        """2^-(bits + 12)."""
        return row.out_scale(bits)

    @staticmethod
    def params_shape(channels: int) -> tuple[int, ...]:
        """[69]."""
        return (row.PARAMS + ENTRIES, )

    @staticmethod
    def integer(x: Tensor, params: Tensor) -> Tensor:
        """int32 [..., N], |x| <= 2^24 -> int64 [..., N] in
        [0, 2^(bits + 12))."""
        exponents = row.exponents(x, params)
        return row.normalize(
            table_exp(exponents, params[row.PARAMS:]), params)
