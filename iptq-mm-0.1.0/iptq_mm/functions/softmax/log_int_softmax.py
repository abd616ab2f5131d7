"""FQ-ViT's Log-Int-Softmax."""
import math

import torch
from torch import Tensor

from iptq_mm.arithmetic import SHARE_BITS
from iptq_mm.registry import APPROXIMATIONS

from ..exponential import i_exp as exponential
from . import log2_code, row


@APPROXIMATIONS.register_module(name='log_int_softmax')
class LogIntSoftmax:
    """I-BERT's exponential, then 4-bit log2 codes (FQ-ViT,
    arXiv:2111.13824).

    The output is the value 2^(15 - code) itself, so that attention times V
    is a sum of shifted V. Code 0 stands for 2^15, one more than int16 holds:
    outputs are int32.
    """
    kind = 'softmax'
    name = 'log_int_softmax'
    fitted = False
    out_dtype = torch.int32
    base = math.e
    reduced_range = exponential.REDUCED_RANGE

    @classmethod
    def fit(cls, samples: Tensor) -> 'LogIntSoftmax':
        """Nothing here depends on data."""
        return cls()

    def exponential(self, r: Tensor) -> Tensor:
        """Approximates e^r, r in (-ln 2, 0]."""
        return exponential.i_exp_reduced(r)

    def ideal(self, x: Tensor) -> Tensor:
        """The approximate Softmax over the last axis, not quantized."""
        return row.normalize_float(
            exponential.i_exp_float(x - x.amax(-1, keepdim=True)))

    def operations(self, row_length: int) -> float:
        """36: scores 6, exponential 14, codes 16. A division an element."""
        return float(row.SCORE_OPERATIONS + exponential.OPERATIONS
                     + log2_code.OPERATIONS)

    def error_bound(self, in_scale: float, row_length: int,
                    bits: int = 8) -> float:
        """1/3 + 5.2e-5 + 2^-24 row_length: a probability just above 2/3 gets
        code 0, one. In general a code is off by at most half of the
        probability, and zero stands for those below 2^-15.5."""
        return 1 / 3 + row.probability_error(
            exponential.RELATIVE_ERROR, row_length)

    def lower(self, in_scale: float, bits: int = 8) -> Tensor:
        """int64 [4], as ``row.lower`` describes. The codes have 4 bits
        whatever ``bits`` is."""
        return row.lower(in_scale, unit=1., bits=bits)

    @staticmethod
    def out_scale(bits: int = 8) -> float:
        """2^-15, the smallest code's value."""
        return 2.**-log2_code.LARGEST_CODE

    @classmethod
    def code_scale(cls, bits: int = 8) -> float:
        """That of the output."""
        return cls.out_scale(bits)

    @staticmethod
    def params_shape(channels: int) -> tuple[int, ...]:
        """[4]."""
        return (row.PARAMS, )

    @staticmethod
    def integer(x: Tensor, params: Tensor) -> Tensor:
        """int32 [..., N], |x| <= 2^24 -> int64 [..., N]: 0 or a power of two
        up to 2^15."""
        return log2_code.log2_probabilities(
            exponential.i_exp(row.exponents(x, params)))

    @classmethod
    def codes(cls, x: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """The output, which is divided already, and int64 [..., 1]: 2^30,
        one."""
        y = cls.integer(x, params)
        return y, torch.full_like(y[..., :1], 1 << SHARE_BITS)
