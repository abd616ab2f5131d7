"""Convolution: the neighbourhood of every position before a linear layer."""
import torch
from torch import Tensor

from .library import operator
from .linear import linear


def neighbourhoods(x: Tensor, kernel: int, stride: int) -> Tensor:
    """The k x k neighbours of every stride-th position that has them all.

    Args:
        x (Tensor): Integers [B, H, W, C], H and W at least k.
        kernel (int): k.
        stride (int): s.

    Returns:
        Tensor: [B, (H - k) // s + 1, (W - k) // s + 1, k * k * C], ordered
        (row, column, channel).
    """
    rows = (x.shape[1] - kernel) // stride + 1
    cols = (x.shape[2] - kernel) // stride + 1
    if kernel == stride:  # they do not overlap: one copy
        batch, _, _, channels = x.shape
        tiles = x[:, :rows * kernel, :cols * kernel].reshape(
            batch, rows, kernel, cols, kernel * channels)
        return tiles.transpose(2, 3).reshape(batch, rows, cols,
                                             kernel * kernel * channels)
    return torch.cat([
        x[:, i:i + (rows - 1) * stride + 1:stride,
          j:j + (cols - 1) * stride + 1:stride] for i in range(kernel)
        for j in range(kernel)
    ], -1)


@operator('conv2d(Tensor x, Tensor weight, Tensor bias, Tensor m, Tensor n,'
          ' int kernel, int stride, int padding, bool relu, int bits)'
          ' -> Tensor')
def conv2d(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
           kernel: int, stride: int, padding: int, relu: bool,
           bits: int) -> Tensor:
    """Convolution, requantized per output channel, and the ReLU after it.

    The result is that of :func:`~iptq_mm.ops.linear` on the neighbourhoods
    (and the reference is that very operator); ReLU, applied to the result, is
    a clamp at 0. The accumulator is int32 as there: a zero of the padding
    adds nothing.

    Args:
        x (Tensor): int8 [B, H, W, C].
        weight (Tensor): int8 [N, k * k * C], ordered (row, column, channel).
        bias, m, n (Tensor): int32, int64, int64 [N], as in
            :func:`~iptq_mm.ops.linear`.
        kernel (int): Side k of the kernel.
        stride (int): s > 0.
        padding (int): Zeros p >= 0 added on each of the four sides.
        relu (bool): Whether what is below 0 becomes 0.
        bits (int): Width of the result, at most 16.

    Returns:
        Tensor: int8 (bits <= 8) or int16 [B, (H + 2 p - k) // s + 1,
        (W + 2 p - k) // s + 1, N].
    """
    if padding:
        batch, height, width, channels = x.shape
        padded = x.new_zeros(batch, height + 2 * padding, width + 2 * padding,
                             channels)
        padded[:, padding:padding + height, padding:padding + width] = x
        x = padded
    y = linear(neighbourhoods(x, kernel, stride), weight, bias, m, n, bits)
    return y.clamp_(min=0) if relu else y
