"""Patches: the image cut into tokens, and neighbouring tokens merged.

Both are index arithmetic before a linear layer. Where the size is no multiple
of the stride, zeros are added at the bottom and on the right, as mmdet's
``AdaptivePadding`` ('corner') does; zero is zero at every symmetric scale.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from .. import ops
from ..registry import APPROXIMATIONS
from .conv import IntConv2d
from .linear import IntLinear


class IntPatchEmbed(nn.Module):
    """Image -> tokens of the residual stream.

    int8 [B, in_channels, H, W] -> int16 [B, H/p, W/p, C].

    Args:
        in_channels (int): Channels of the image.
        channels (int): C.
        patch (int): Patch side p.
        norm (nn.Module): ``IntLayerNorm`` to 16 bits, or ``nn.Identity``.
    """

    def __init__(self, in_channels: int, channels: int, patch: int,
                 norm: nn.Module):
        super().__init__()
        self.patch = patch
        self.projection = IntConv2d(in_channels, channels, patch, patch, 0,
                                    False, 16)
        self.norm = norm

    def forward(self, image: Tensor) -> Tensor:
        whole = ops.padded(image, self.patch)
        return self.norm(self.projection(whole.permute(0, 2, 3, 1)))


class IntMergedLayerNorm(nn.Module):
    """LayerNorm over 2 x 2 neighbouring tokens.

    int16 [B, H, W, C] -> int8 [B, ceil(H/s), ceil(W/s), 4 C].

    Args:
        channels (int): 4 C.
        bits (int): Width of the result.
        layer_norm (str): Candidate of kind ``layernorm``.
        stride (int): s.
    """

    def __init__(self, channels: int, bits: int, layer_norm: str,
                 stride: int):
        super().__init__()
        self.bits, self.layer_norm, self.stride = bits, layer_norm, stride
        shape = APPROXIMATIONS.get(layer_norm).params_shape(channels)
        self.register_buffer('params', torch.zeros(shape, dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        return ops.merge_layer_norm(x, self.stride, self.layer_norm,
                                    self.params, self.bits)


class IntMergedRequantize(nn.Module):
    """2 x 2 neighbouring tokens at another scale.

    int16 [B, H, W, C] -> int8 [B, ceil(H/s), ceil(W/s), 4 C].

    Args:
        bits (int): Width of the result.
        stride (int): s.
    """

    def __init__(self, bits: int, stride: int):
        super().__init__()
        self.bits, self.stride = bits, stride
        self.register_buffer('m', torch.zeros(1, dtype=torch.int64))
        self.register_buffer('n', torch.zeros(1, dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        return ops.cut_patches(
            ops.requantize(x, self.m, self.n, self.bits), 2, self.stride)


class IntPatchMerging(nn.Module):
    """2 x 2 neighbouring tokens -> one token of the next stage.

    int16 [B, H, W, C] -> int16 [B, ceil(H/s), ceil(W/s), out_channels].

    Args:
        channels (int): C.
        out_channels (int): Channels of the next stage.
        norm (IntMergedLayerNorm | IntMergedRequantize): Says which
            neighbourhoods, and makes activations of them.
    """

    def __init__(self, channels: int, out_channels: int,
                 norm: IntMergedLayerNorm | IntMergedRequantize):
        super().__init__()
        self.norm = norm
        self.reduction = IntLinear(4 * channels, out_channels, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduction(self.norm(x))
