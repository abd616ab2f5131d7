"""I-ViT's Shiftmax."""
import torch
from torch import Tensor

from iptq_mm.registry import APPROXIMATIONS

from ..exponential.shift_exp import (
    OPERATIONS,
    REDUCED_RANGE,
    RELATIVE_ERROR,
    shift_exp,
    shift_exp_float,
    shift_exp_reduced,
)
from . import row


@APPROXIMATIONS.register_module(name='shiftmax')
class Shiftmax:
    """Softmax with log2 e ~ 1 + 1/2 - 1/16 and 2^r ~ 1 + r/2 on (-1, 0]
    (I-ViT, arXiv:2207.01405, Shiftmax)."""
    kind = 'softmax'
    name = 'shiftmax'
    fitted = False
    out_dtype = torch.int32
    base = 2.
    reduced_range = REDUCED_RANGE

    @classmethod
    def fit(cls, samples: Tensor) -> 'Shiftmax':
        """Nothing here depends on data."""
        return cls()

    def exponential(self, r: Tensor) -> Tensor:
        """Approximates 2^r, r in (-1, 0]."""
        return shift_exp_reduced(r)

    def ideal(self, x: Tensor) -> Tensor:
        """The approximate Softmax over the last axis, not quantized."""
        return row.normalize_float(
            shift_exp_float(x - x.amax(-1, keepdim=True)))

    def operations(self, row_length: int) -> float:
        """22 + 2 / row_length: scores 6, exponential 11, division 5, a
        row 2."""
        return row.operations(OPERATIONS, row_length)

    def error_bound(self, in_scale: float, row_length: int,
                    bits: int = 8) -> float:
        """2^-(bits + 1) + 2^-21 + 2^-24 row_length."""
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
        return row.normalize(shift_exp(row.exponents(x, params)), params)
