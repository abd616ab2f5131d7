"""Integer LayerNorm, and the change of scale where a model has none."""
import torch
from torch import Tensor, nn

from .. import ops
from ..registry import APPROXIMATIONS


class IntLayerNorm(nn.Module):
    """LayerNorm over the last axis of the residual stream.

    int16 [..., C] -> int8 or int16 [..., C].

    Args:
        channels (int): C.
        bits (int): Width of the result.
        layer_norm (str): Candidate of kind ``layernorm``.
    """

    def __init__(self, channels: int, bits: int, layer_norm: str):
        super().__init__()
        self.bits, self.layer_norm = bits, layer_norm
        shape = APPROXIMATIONS.get(layer_norm).params_shape(channels)
        self.register_buffer('params', torch.zeros(shape, dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        return ops.layer_norm(x, self.layer_norm, self.params, self.bits)


class IntRequantize(nn.Module):
    """Change of scale of a whole tensor; any integers -> ``bits`` bits.

    Args:
        bits (int): Width of the result.
    """

    def __init__(self, bits: int):
        super().__init__()
        self.bits = bits
        self.register_buffer('m', torch.zeros(1, dtype=torch.int64))
        self.register_buffer('n', torch.zeros(1, dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        return ops.requantize(x, self.m, self.n, self.bits)
