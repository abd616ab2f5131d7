"""Integer convolutions over [B, H, W, C]."""
import torch
from torch import Tensor, nn

from .. import ops
from .linear import allocate


class IntConv2d(nn.Module):
    """Convolution and, if wanted, the ReLU after it.

    int8 [B, H, W, C] -> int8 or int16 [B, H', W', N]. A linear layer over a
    whole k x k feature map is the convolution with that kernel and no
    padding.

    Args:
        in_channels (int): C.
        out_channels (int): N.
        kernel (int): Side k.
        stride (int): Step in both directions.
        padding (int): Zeros added on each side.
        relu (bool): Whether ReLU follows.
        bits (int): Width of the result.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int,
                 stride: int, padding: int, relu: bool, bits: int):
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding
        self.relu, self.bits = relu, bits
        allocate(self, in_channels * kernel**2, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return ops.conv2d(x, self.weight, self.bias, self.m, self.n,
                          self.kernel, self.stride, self.padding, self.relu,
                          self.bits)


class IntConvTranspose2d(nn.Module):
    """Transposed convolution whose kernel is as large as its stride.

    The s x s blocks of the output do not overlap, so each position makes its
    own: a 1 x 1 convolution to s * s * N channels, ordered (row, column,
    channel), moved to their places. int8 [B, H, W, C] -> int8 or int16
    [B, s H, s W, N].

    Args:
        in_channels (int): C.
        out_channels (int): N.
        stride (int): s.
        relu (bool): Whether ReLU follows.
        bits (int): Width of the result.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int,
                 relu: bool, bits: int):
        super().__init__()
        self.stride, self.channels = stride, out_channels
        self.blocks = IntConv2d(in_channels, stride**2 * out_channels, 1, 1,
                                0, relu, bits)

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, _ = x.shape
        side, channels = self.stride, self.channels
        blocks = self.blocks(x).view(batch, height, width, side, side,
                                     channels)
        return blocks.transpose(2, 3).reshape(batch, height * side,
                                              width * side, channels)


def upsample_nearest(x: Tensor, height: int, width: int) -> Tensor:
    """Repeat the nearest position up or left: floor(i H / height).

    Args:
        x (Tensor): Integers [B, H, W, C].

    Returns:
        Tensor: [B, height, width, C].
    """
    rows = torch.arange(height, device=x.device) * x.shape[1] // height
    cols = torch.arange(width, device=x.device) * x.shape[2] // width
    return x[:, rows][:, :, cols]
