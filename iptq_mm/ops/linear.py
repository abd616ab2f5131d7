"""Matrix product with weights, and what is done to its accumulator.

The accumulator is int32. Lowering has proved for every output channel that
sum |w| * 128 + |bias| < 2^31, so no partial sum wraps around.
"""
import torch
from torch import Tensor

from ..arithmetic import multiply_shift, narrow, requantize
from .function import gelu
from .int_mm import matmul
from .library import operator


def accumulate(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """int32 ``x @ weight.T + bias``; int8 [..., K], int8 [N, K], int32 [N]."""
    return matmul(x, weight.T) + bias


@operator('linear(Tensor x, Tensor weight, Tensor bias, Tensor m, Tensor n,'
          ' int bits) -> Tensor')
def linear(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
           bits: int) -> Tensor:
    """Linear layer, requantized per output channel.

    Args:
        x (Tensor): int8 [..., K].
        weight (Tensor): int8 [N, K].
        bias (Tensor): int32 [N].
        m (Tensor): int64 [N], dyadic multipliers in [2^30, 2^31).
        n (Tensor): int64 [N], shifts in [0, 62].
        bits (int): Width of the result.

    Returns:
        Tensor: int8 (bits <= 8) or int16 [..., N].
    """
    return requantize(accumulate(x, weight, bias), m, n, bits)


@operator('linear_add(Tensor x, Tensor weight, Tensor bias, Tensor m,'
          ' Tensor n, Tensor residual) -> Tensor')
def linear_add(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
               residual: Tensor) -> Tensor:
    """Linear layer that ends a residual branch: added to the stream.

    Both summands are at the scale of the stream, so the addition is exact;
    only the sum saturates.

    Args:
        x, weight, bias, m, n (Tensor): As in :func:`linear`.
        residual (Tensor): int16 [..., N], the residual stream.

    Returns:
        Tensor: int16 [..., N].
    """
    branch = multiply_shift(accumulate(x, weight, bias), m, n)
    return narrow(branch + residual, 16)


def calm_channels(channels: int) -> int:
    """How many channels of GELU come before the outliers, which are a
    sixteenth of them, at least one."""
    return channels - max(1, channels // 16)


@operator('linear_gelu(Tensor x, Tensor weight, Tensor bias, Tensor m,'
          ' Tensor n, int in_bits, str name, Tensor params, int calm,'
          ' int bits) -> Tensor')
def linear_gelu(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
                in_bits: int, name: str, params: Tensor, calm: int,
                bits: int) -> Tensor:
    """Linear layer and the GELU after it.

    GELU has scales of its own for the last channels, where lowering puts the
    outliers.

    Args:
        x, weight, bias, m, n (Tensor): As in :func:`linear`.
        in_bits (int): Width of the input of GELU.
        name (str): As in :func:`~iptq_mm.ops.gelu`.
        params (Tensor): int64 [2, 1 + P], a row for the calm channels and one
            for the outliers, each as in :func:`~iptq_mm.ops.gelu`.
        calm (int): The number of calm channels, in [0, N].
        bits (int): Width of the result, at most 8.

    Returns:
        Tensor: int8 [..., N].
    """
    y = linear(x, weight, bias, m, n, in_bits)
    return torch.cat([
        gelu(y[..., :calm], name, params[0], bits),
        gelu(y[..., calm:], name, params[1], bits)
    ], -1)
