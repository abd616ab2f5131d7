"""I-BERT's Softmax."""
import math

import torch
from torch import Tensor

from iptq_mm.registry import APPROXIMATIONS

from ..exponential.i_exp import (
    OPERATIONS,
    REDUCED_RANGE,
    RELATIVE_ERROR,
    i_exp,
    i_exp_float,
    i_exp_reduced,
)
from . import row


@APPROXIMATIONS.register_module(name='i_softmax')
class ISoftmax:
    """Softmax with e^r ~ 0.3585 (r + 1.353)^2 + 0.344 on (-ln 2, 0] (I-BERT,
    arXiv:2101.01321, section 3.5, i-Softmax)."""
    kind = 'softmax'
    name = 'i_softmax'
    fitted = False
    out_dtype = torch.int32
    base = math.e
    reduced_range = REDUCED_RANGE

    @classmethod
    def fit(cls, samples: Tensor) -> 'ISoftmax':
        """Nothing here depends on data."""
        return cls()

    def exponential(self, r: Tensor) -> Tensor:
        """Approximates e^r, r in (-ln 2, 0]."""
        return i_exp_reduced(r)

    def ideal(self, x: Tensor) -> Tensor:
        """The approximate Softmax over the last axis, not quantized."""
        return row.normalize_float(
            i_exp_float(x - x.amax(-1, keepdim=True)))

    def operations(self, row_length: int) -> float:
        """25 + 2 / row_length: scores 6, exponential 14, division 5, a
        row 2."""
        return row.operations(OPERATIONS, row_length)

    def error_bound(self, in_scale: float, row_length: int,
                    bits: int = 8) -> float:
        """2^-(bits + 1) + 5.2e-5 + 2^-24 row_length."""
        return row.rounding_error(bits) + row.probability_error(
            RELATIVE_ERROR, row_length)

    def lower(self, in_scale: float, bits: int = 8) -> Tensor:
        """int64 [4], as ``row.lower`` describes."""
        return row.lower(in_scale, unit=1., bits=bits)

    @staticmethod
    def out_scale(bits: int = 8) -> float:
        """2^-(bits + 12)."""
        return row.out_scale(bits)

    @staticmethod
    def params_shape(channels: int) -> tuple[int, ...]:
        """[4]."""
        return (row.PARAMS, )

    @staticmethod
    def integer(x: Tensor, params: Tensor) -> Tensor:
        """int32 [..., N], |x| <= 2^24 -> int64 [..., N] in
        [0, 2^(bits + 12))."""
        return row.normalize(i_exp(row.exponents(x, params)), params)
