"""FQ-ViT's LayerNorm of 8-bit inputs with a Power-of-Two Factor a channel."""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from iptq_mm.arithmetic import dyadic, qmax, requantize
from iptq_mm.registry import APPROXIMATIONS

from ..scales import check_scales
from . import standardize

LARGEST_FACTOR = 3
_RECODE_PARAMS = 3


@APPROXIMATIONS.register_module(name='ptf_layernorm')
class PTFLayerNorm:
    """The input is re-coded to 8 bits, x ~ scale 2^alpha_c q with one scale
    a layer and alpha_c in 0..3 a channel (FQ-ViT, arXiv:2111.13824,
    Power-of-Two Factor); then integer LayerNorm of q << alpha_c.

    Args:
        scale (float, optional): Real value of a step of a channel of factor
            0. Defaults to None: 8 bits over the whole input range, alpha 0.
        factors (Tensor, optional): alpha, int64 [C]. Defaults to None.
    """
    kind = 'layernorm'
    name = 'ptf_layernorm'

    def __init__(self, scale: float | None = None,
                 factors: Tensor | None = None):
        self.scale, self.factors = scale, factors

    @property
    def fitted(self) -> bool:
        """Whether scale and factors come from data."""
        return self.scale is not None

    @classmethod
    def fit(cls, samples: Tensor) -> 'PTFLayerNorm':
        """alpha_c of least squared error, at the scale that lets factor 3
        cover the largest magnitude.

        Args:
            samples (Tensor): LayerNorm inputs, float [..., C].

        Returns:
            PTFLayerNorm: The one without factors if the samples are empty,
            not finite or all zero.
        """
        x = samples.detach().double().flatten(0, -2)
        largest = x.abs().max().item() if x.numel() else 0.
        if not 0 < largest < float('inf'):
            return cls()
        scale = largest / (qmax(8) << LARGEST_FACTOR)
        errors = torch.stack([
            (x - _recode_float(x, scale * 2**alpha)).square().sum(0)
            for alpha in range(LARGEST_FACTOR + 1)])
        return cls(scale, errors.argmin(0).cpu())

    def ideal(self, x: Tensor, weight: Tensor, bias: Tensor,
              eps: float) -> Tensor:
        """LayerNorm of the re-coded input, over the last axis.

        Without a fit, the largest |x| stands for the end of the range.
        """
        if self.fitted:
            step = (self.scale * 2.**self.factors).to(x)
        else:
            step = x.abs().max() / qmax(8)
        return F.layer_norm(
            _recode_float(x, step), x.shape[-1:], weight, bias, eps)

    def operations(self, row_length: int) -> float:
        """18 + 246 / row_length: re-coding 6 (multiplier, rounding shift,
        clamp, factor), then ``standardize``'s 12 and 246."""
        return (6 + standardize.OPERATIONS
                + standardize.ROW_OPERATIONS / row_length)

    def error_bound(self, out_scale: float, weight: Tensor,
                    bias: Tensor) -> float:
        """As ``standardize`` derives. It holds where no input lies within
        2^-20 steps of the middle between two re-coded values, where the
        dyadic multiplier of the re-coding may decide otherwise."""
        return standardize.error_bound(out_scale, weight, bias)

    def lower(self, in_scale: float, out_scale: float, weight: Tensor,
              bias: Tensor, eps: float) -> Tensor:
        """int64 [8, C]: multiplier, shift and factor of the re-coding (the
        shift includes the factor), then the 5 rows of
        ``standardize.lower``."""
        check_scales(in_scale)
        channels = len(weight)
        scale = self.scale if self.fitted else (
            in_scale * qmax(16) / qmax(8))
        factors = self.factors if self.fitted else torch.zeros(
            channels, dtype=torch.int64)
        m, n = dyadic(in_scale / scale, max_shift=62 - LARGEST_FACTOR)
        return torch.cat([
            torch.full((1, channels), m),
            (n + factors)[None],
            factors[None],
            standardize.lower(scale, out_scale, weight, bias, eps)])

    @staticmethod
    def params_shape(channels: int) -> tuple[int, ...]:
        """[8, C]."""
        return (_RECODE_PARAMS + standardize.PARAMS, channels)

    @staticmethod
    def integer(x: Tensor, params: Tensor) -> Tensor:
        """int16 [..., C], |x| <= 32767 -> int64 [..., C] at the output
        scale."""
        q = requantize(x, params[0], params[1], bits=8)
        recoded = q.to(torch.int64) << params[2]  # |.| <= 127 2^3
        return standardize.layer_norm(recoded, params[_RECODE_PARAMS:])


def _recode_float(x: Tensor, step: Tensor | float) -> Tensor:
    """x rounded half up to 8 bits of the step."""
    return (x / step + 0.5).floor().clamp(-qmax(8), qmax(8)) * step
