"""I-ViT's ShiftGELU: x times a sigmoid of shifts."""
import torch
from torch import Tensor

from iptq_mm.arithmetic import dyadic, floor_divide, multiply_shift
from iptq_mm.registry import APPROXIMATIONS

from ..exponential.shift_exp import OPERATIONS, shift_exp, shift_exp_float
from ..fixed_point import FRACTION_BITS, ONE
from ..scales import check_scales

_LARGEST = 16 * ONE
"""Where the sigmoid is 0 or 1 to 24 bits."""


@APPROXIMATIONS.register_module(name='shift_gelu')
class ShiftGELU:
    """x sigma(1.702 x), 1.702 ~ (1.1011) in binary = 1 + 1/2 + 1/8 + 1/16,
    exponentials by ``shift_exp`` (I-ViT, arXiv:2207.01405).

    I-ViT subtracts the maximum of all inputs before it takes exponentials;
    here the maximum is that of the pair (0, x), so that no element depends
    on another: sigma is 1 / (1 + e) or e / (1 + e), e = exp(-1.6875 |x|).
    """
    kind = 'gelu'
    name = 'shift_gelu'
    extra_bits = 0
    fitted = False

    @classmethod
    def fit(cls, samples: Tensor) -> 'ShiftGELU':
        """Nothing here depends on data."""
        return cls()

    def ideal(self, x: Tensor) -> Tensor:
        """The approximation in floating point, elementwise."""
        exp = shift_exp_float(-x.abs() * (1 + 1 / 2 + 1 / 8 + 1 / 16))
        return x * torch.where(x < 0, exp, 1) / (1 + exp)

    def operations(self, row_length: int) -> float:
        """32: |x| to fixed point 4, clip and sign 2, 1.6875 6,
        exponential 11, sigmoid 5 with its division, times q 1, requantize
        3."""
        return 21. + OPERATIONS

    def error_bound(self, in_scale: float, out_scale: float) -> float:
        """out_scale / 2 + 2^-21 min(127 in_scale, 16) + 2^-23 in_scale.

        The shifts truncate 9 times, by 2^-24 each, before and after factors
        below 1.5: the exponential, and with it the sigmoid, is off by less
        than 2^-21 up to |x| = 16, and exact to 2^-30 beyond.
        """
        largest = 127 * in_scale
        return (out_scale / 2 + min(largest, 16) * 2**-21
                + largest * 2**-30)

    def lower(self, in_scale: float, out_scale: float) -> Tensor:
        """int64 [4]: m and n that take q to 24 fractional bits; m and n
        that take q times a sigmoid of 24 fractional bits to the output
        scale."""
        check_scales(in_scale, out_scale)
        return torch.tensor([*dyadic(in_scale * ONE),
                             *dyadic(in_scale / out_scale / ONE)])

    @staticmethod
    def params_shape(channels: int) -> tuple[int, ...]:
        """[4]."""
        return (4, )

    @staticmethod
    def integer(x: Tensor, params: Tensor) -> Tensor:
        """int8 of any shape -> int64 at the output scale."""
        magnitude = multiply_shift(
            x.to(torch.int64).abs(), params[0], params[1])
        depth = -magnitude.clamp(max=_LARGEST)
        exp = shift_exp(depth + (depth >> 1) + (depth >> 3) + (depth >> 4))
        # both at most 2^24, the shifted one 2^48; sigma at most 2^24
        share = torch.where(x < 0, exp, ONE) << FRACTION_BITS
        sigma = floor_divide(share, exp + ONE)
        return multiply_shift(x * sigma, params[2], params[3])
