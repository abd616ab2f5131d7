"""What the LayerNorm candidates share: standardizing a row, and the affine.

The scale of the input cancels, but for eps. Mean and variance are exact:
with S the sum of a row, C x - S is C times the deviation and
V = C sum(x^2) - S^2 is C^2 times the variance, both integers. V + C^2 eps is
brought to [2^60, 2^62) by an even shift a row, so that the root has 31
significant bits however small the variance is.

Ranges, |x| <= 32767 and C <= 4096: |C x - S| < 2^28; sum(x^2) < 2^42 and
V < 2^54; the root lies in [2^30, 2^31), its reciprocal 2^60 / root in
[2^29, 2^30]; their product is below 2^58. A standardized value is at most
sqrt(C - 1) (Samuelson's inequality), below 2^30 with 24 fractional bits.

Relative error of a standardized value: 2^-30 by the floor of the root, 2^-29
by that of its reciprocal, and C 2^-30 by the rounding of eps beside the
smallest V > 0, which is C - 1. Its own rounding: 2^-25.
"""
import math

import torch
from torch import Tensor

from iptq_mm.arithmetic import floor_divide, isqrt, rshift

from ..fixed_point import FRACTION_BITS
from ..scales import check_scales

MAX_CHANNELS = 4096

PARAMS = 5
"""eps, its shift, affine shift, multiplier, bias: see ``lower``."""

OPERATIONS = 12
"""Sum 1, sum of squares 2, deviation 2, times reciprocal 1, rounding shift
2; multiplier 1, bias 1, rounding shift 2."""
ROW_OPERATIONS = 246
"""V and eps 6, even shift 5 times 4, root 31 times 7, reciprocal 1, shift
amount 2."""


def lower(in_scale: float, out_scale: float, weight: Tensor, bias: Tensor,
          eps: float) -> Tensor:
    """Integer form of eps, gamma and beta.

    Args:
        in_scale (float): Real value of one input step.
        out_scale (float): Real value of one output step.
        weight (Tensor): gamma, float [C].
        bias (Tensor): beta, float [C].
        eps (float): Added to the variance, in real units.

    Returns:
        Tensor: int64 [5, C]. Rows: C^2 eps / in_scale^2 2^h; the even h;
        the shift n of the affine; multiplier gamma / out_scale 2^(n - 24),
        below 2^31; bias beta / out_scale 2^n, at most 2^61. Rows 0 to 2 hold
        one number each.

    Raises:
        ValueError: If C > 4096, or the scales are too small for 64 bits.
    """
    check_scales(in_scale, out_scale)
    channels = len(weight)
    if channels > MAX_CHANNELS:
        raise ValueError(f'LayerNorm over {channels} channels: integers are '
                         f'proven to fit up to {MAX_CHANNELS}')
    variance_eps = channels**2 * eps / in_scale / in_scale
    shift = affine_shift(out_scale, weight, bias)
    if variance_eps >= 2**61 or shift < 0:
        raise ValueError(
            f'LayerNorm: input scale {in_scale:g} or output scale '
            f'{out_scale:g} is too small for 64-bit integers')
    largest = (channels**2 << 30) + math.ceil(variance_eps)
    headroom = (62 - largest.bit_length()) // 2 * 2
    gain, offset = _in_steps(out_scale, weight, bias)
    scalars = torch.tensor(
        [round(variance_eps * 2**headroom), headroom, shift])
    return torch.cat([
        scalars[:, None].expand(-1, channels),
        (gain * 2.**(shift - FRACTION_BITS)).round().long()[None],
        (offset * 2.**shift).round().long()[None]])


def affine_shift(out_scale: float, weight: Tensor, bias: Tensor) -> int:
    """The largest shift n <= 62 at which multipliers and biases fit; -1 if
    there is none."""
    gain, offset = (value.abs().max().item()
                    for value in _in_steps(out_scale, weight, bias))
    fits = (n for n in range(62, -1, -1)
            if round(gain * 2.**(n - FRACTION_BITS)) < 2**31
            and offset * 2.**n <= 2**61)
    return next(fits, -1)


def _in_steps(out_scale: float, weight: Tensor,
              bias: Tensor) -> tuple[Tensor, Tensor]:
    """gamma and beta in steps of the output, float64."""
    return (weight.detach().double().cpu() / out_scale,
            bias.detach().double().cpu() / out_scale)


def layer_norm(x: Tensor, params: Tensor) -> Tensor:
    """LayerNorm of an integer tensor.

    Args:
        x (Tensor): Integer [..., C], |x| <= 32767.
        params (Tensor): int64 [5, C] as ``lower`` makes them.

    Returns:
        Tensor: int64 [..., C] at the output scale, not saturated.
    """
    z = _standardize(x.to(torch.int64), params[0, 0], params[1, 0])
    # |z m| < 2^30 2^31, |b| <= 2^61, half of 2^n <= 2^61: below 2^63
    return rshift(z * params[3] + params[4], params[2, 0])


def _standardize(x: Tensor, eps: Tensor, headroom: Tensor) -> Tensor:
    """(x - mean) / sqrt(var + eps), 24 fractional bits, |z| < 2^30."""
    channels = x.shape[-1]
    total = x.sum(-1, keepdim=True)
    deviation = channels * x - total
    power = channels * (x * x).sum(-1, keepdim=True) - total * total
    # A row with V = 0 has no deviations; any root >= 1 serves it.
    least = torch.ones_like(headroom) << headroom
    power = torch.maximum((power << headroom) + eps, least)
    power, shift = normalize(power)
    reciprocal = floor_divide(torch.full_like(power, 1 << 60), isqrt(power))
    # shift <= (60 - headroom) / 2, so that the shift here is at least 6
    return rshift(deviation * reciprocal,
                  60 - FRACTION_BITS - (headroom >> 1) - shift)


def normalize(x: Tensor) -> tuple[Tensor, Tensor]:
    """Shift x in [1, 2^62) left by 2k to [2^60, 2^62); returns it and k."""
    shift = torch.zeros_like(x)
    for step in (16, 8, 4, 2, 1):
        short = (x < 1 << (62 - 2 * step)).to(torch.int64) * step
        x, shift = x << (2 * short), shift + short
    return x, shift


def error_bound(out_scale: float, weight: Tensor, bias: Tensor) -> float:
    """Bound on the error of ``layer_norm`` in real units: output rounding,
    the standardized value's error times gamma, and the rounding of gamma and
    beta at the shift n."""
    channels = len(weight)
    largest = math.sqrt(channels - 1)
    z_error = largest * (channels + 4) * 2**-30 + 2**-25
    n = affine_shift(out_scale, weight, bias)
    affine_error = (largest + 1) * 2.**(FRACTION_BITS - 1 - n) + 2.**-n
    return (out_scale * (0.5 + affine_error)
            + weight.abs().max().item() * z_error)
