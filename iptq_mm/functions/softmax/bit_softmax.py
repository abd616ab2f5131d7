"""IPTQ-ViT's Bit-Softmax: Efficient Bit-exp and a scaled reciprocal."""
import math

import torch
from torch import Tensor

from iptq_mm.registry import APPROXIMATIONS

from ..exponential.bit_exp import (
    OPERATIONS,
    REDUCED_RANGE,
    RELATIVE_ERROR,
    bit_exp,
    bit_exp_float,
    bit_exp_reduced,
)
from . import row


@APPROXIMATIONS.register_module(name='bit_softmax')
class BitSoftmax:
    """Softmax with 2^r ~ 1 + (r >> 1) + (r >> 3) + (r >> 4) (IPTQ-ViT,
    arXiv:2511.15369, Efficient Bit-exp), divided by a scaled reciprocal
    2^M / sum.

    The remainder r is centred, on [-1/2, 1/2): the approximation is the
    tangent at 0, off by at most 0.07 there and by 0.19 on (-1, 0].
    """
    kind = 'softmax'
    name = 'bit_softmax'
    fitted = False
    out_dtype = torch.int32
    base = 2.
    reduced_range = REDUCED_RANGE

    @classmethod
    def fit(cls, samples: Tensor) -> 'BitSoftmax':
        """Nothing here depends on data."""
        return cls()

    def exponential(self, r: Tensor) -> Tensor:
        """Approximates 2^r, r in [-1/2, 1/2)."""
        return bit_exp_reduced(r)

    def ideal(self, x: Tensor) -> Tensor:
        """The approximate Softmax over the last axis, not quantized."""
        depth = x - x.amax(-1, keepdim=True)
        return row.normalize_float(bit_exp_float(depth * math.log2(math.e)))

    def operations(self, row_length: int) -> float:
        """23 + 2 / row_length: scores 6, exponential 12, division 5, a
        row 2."""
        return row.operations(OPERATIONS, row_length)

    def error_bound(self, in_scale: float, row_length: int,
                    bits: int = 8) -> float:
        """2^-(bits + 1) + 0.0123 + 2^-24 row_length. The 0.0123 is there
        because the approximation jumps by 2.4 % where a score's exponent
        passes a half integer; rows without a score within 2^-23 of one stay
        below 2^-(bits + 1) + 2^-20 + 2^-24 row_length."""
        return row.rounding_error(bits) + row.probability_error(
            RELATIVE_ERROR, row_length)

    def lower(self, in_scale: float, bits: int = 8) -> Tensor:
        """int64 [4], as ``row.lower`` describes."""
        return row.lower(in_scale, unit=math.log2(math.e), bits=bits)

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
        return row.normalize(bit_exp(row.exponents(x, params)), params)
