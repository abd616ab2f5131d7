"""Patches: the image cut into tokens, and neighbouring tokens merged.

Both are index arithmetic before a linear layer. Where the size is no multiple
of the stride, zeros are added at the bottom and on the right, as mmdet's
``AdaptivePadding`` ('corner') does; zero is zero at every symmetric scale.
"""
import torch
from torch import Tensor, nn

from .. import ops
from .conv import IntConv2d
from .linear import IntLinear
from .norm import IntLayerNorm, IntRequantize


def cut_patches(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Gather the k x k neighbourhood of every stride-th token.

    Args:
        x (Tensor): Integers [B, H, W, C].
        kernel (int): k.
        stride (int): s.

    Returns:
        Tensor: [B, ceil(H/s), ceil(W/s), k * k * C], ordered (row, column,
        channel).
    """
    batch, height, width, channels = x.shape
    rows, cols = -(-height // stride), -(-width // stride)
    # torch's maximum, which an export records; Python's would be decided once.
    padded = x.new_zeros(
        batch, torch.sym_max(height, (rows - 1) * stride + kernel),
        torch.sym_max(width, (cols - 1) * stride + kernel), channels)
    padded[:, :height, :width] = x
    return ops.neighbourhoods(padded, kernel, stride)


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
        batch, channels, height, width = image.shape
        padded = image.new_zeros(batch, channels,
                                 height + -height % self.patch,
                                 width + -width % self.patch)
        padded[..., :height, :width] = image
        return self.norm(self.projection(padded.permute(0, 2, 3, 1)))


class IntPatchMerging(nn.Module):
    """2 x 2 neighbouring tokens -> one token of the next stage.

    int16 [B, H, W, C] -> int16 [B, ceil(H/s), ceil(W/s), out_channels].

    Args:
        channels (int): C.
        out_channels (int): Channels of the next stage.
        stride (int): s.
        norm (IntLayerNorm | IntRequantize): From the stream to the width of
            activations.
    """

    def __init__(self, channels: int, out_channels: int, stride: int,
                 norm: IntLayerNorm | IntRequantize):
        super().__init__()
        self.stride = stride
        self.norm = norm
        self.reduction = IntLinear(4 * channels, out_channels, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduction(self.norm(cut_patches(x, 2, self.stride)))
