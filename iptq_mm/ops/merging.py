"""Neighbouring tokens side by side, and their LayerNorm: how Swin merges
patches (Liu et al., arXiv:2103.14030, section 3.1)."""
from torch import Tensor

from ..compat import sym_max
from .conv import neighbourhoods
from .function import layer_norm
from .library import operator


def cut_patches(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Gather the k x k neighbourhood of every stride-th token.

    Args:
        x (Tensor): Integers [B, H, W, C].
        kernel (int): k.
        stride (int): s.

    Returns:
        Tensor: [B, ceil(H/s), ceil(W/s), k * k * C], ordered (row, column,
        channel); zeros beyond the map.
    """
    batch, height, width, channels = x.shape
    rows, cols = -(-height // stride), -(-width // stride)
    # torch's maximum, which an export records; Python's would be decided once.
    padded = x.new_zeros(
        batch, sym_max(height, (rows - 1) * stride + kernel),
        sym_max(width, (cols - 1) * stride + kernel), channels)
    padded[:, :height, :width] = x
    return neighbourhoods(padded, kernel, stride)


@operator('merge_layer_norm(Tensor x, int stride, str name, Tensor params,'
          ' int bits) -> Tensor')
def merge_layer_norm(x: Tensor, stride: int, name: str, params: Tensor,
                     bits: int) -> Tensor:
    """LayerNorm over the four tokens of a 2 x 2 neighbourhood.

    Args:
        x (Tensor): int16 [B, H, W, C], the residual stream.
        stride (int): s, from one neighbourhood to the next.
        name, params, bits: As in :func:`~iptq_mm.ops.layer_norm`, for 4 C
            channels.

    Returns:
        Tensor: int8 or int16 [B, ceil(H/s), ceil(W/s), 4 * C], ordered (row,
        column, channel).
    """
    return layer_norm(cut_patches(x, 2, stride), name, params, bits)
