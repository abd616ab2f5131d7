"""Integer LayerNorm of I-BERT and I-ViT."""
from torch import Tensor
from torch.nn import functional as F

from iptq_mm.registry import APPROXIMATIONS

from . import standardize


@APPROXIMATIONS.register_module(name='i_layernorm')
class ILayerNorm:
    """LayerNorm with an integer square root (I-BERT, arXiv:2101.01321,
    section 3.6; I-ViT, arXiv:2207.01405, I-LayerNorm).

    Unlike there, mean and variance are exact, and the root has 31 bits (see
    ``standardize``): rounding the mean to a step of the input would cost as
    much as the whole signal in rows of a small variance. The only
    approximations left are roundings.
    """
    kind = 'layernorm'
    name = 'i_layernorm'
    fitted = False

    @classmethod
    def fit(cls, samples: Tensor) -> 'ILayerNorm':
        """Nothing here depends on data."""
        return cls()

    def ideal(self, x: Tensor, weight: Tensor, bias: Tensor,
              eps: float) -> Tensor:
        """LayerNorm itself, over the last axis."""
        return F.layer_norm(x, x.shape[-1:], weight, bias, eps)

    def operations(self, row_length: int) -> float:
        """12 + 246 / row_length: 12 an element, and 246 for the root and the
        division of a row."""
        return (standardize.OPERATIONS
                + standardize.ROW_OPERATIONS / row_length)

    def error_bound(self, out_scale: float, weight: Tensor,
                    bias: Tensor) -> float:
        """out_scale / 2, and max |gamma| (2^-25 + C^1.5 2^-30), and the
        rounding of gamma and beta, as ``standardize`` derives."""
        return standardize.error_bound(out_scale, weight, bias)

    def lower(self, in_scale: float, out_scale: float, weight: Tensor,
              bias: Tensor, eps: float) -> Tensor:
        """int64 [5, C], as ``standardize.lower`` describes."""
        return standardize.lower(in_scale, out_scale, weight, bias, eps)

    @staticmethod
    def params_shape(channels: int) -> tuple[int, ...]:
        """[5, C]."""
        return (standardize.PARAMS, channels)

    @staticmethod
    def integer(x: Tensor, params: Tensor) -> Tensor:
        """int16 [..., C], |x| <= 32767 -> int64 [..., C] at the output
        scale."""
        return standardize.layer_norm(x, params)
