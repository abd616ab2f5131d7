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


LOWER_ZERO = -128
"""The lower half of a 16-bit input of 0."""


@operator('linear_wide(Tensor x, Tensor weight, Tensor bias, Tensor m,'
          ' Tensor n) -> Tensor')
def linear_wide(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor,
                n: Tensor) -> Tensor:
    """Linear layer of 16-bit inputs, in two products of int8.

    x = 256 high + (low + 128): both halves are int8 and read the same
    weights; each product is rounded. The bias has taken up what
    ``LOWER_ZERO`` adds.

    Args:
        x (Tensor): int16 [..., K].
        weight, bias, m, n (Tensor): Of the lower half, as in :func:`linear`;
            n in [8, 62].

    Returns:
        Tensor: int16 [..., N].
    """
    high = (x >> 8).to(torch.int8)
    low = ((x & 255) + LOWER_ZERO).to(torch.int8)
    # The lower first: it is small, so that only the sum saturates.
    lower = linear(low, weight, bias, m, n, 16)
    return linear_add(high, weight, torch.zeros_like(bias), m, n - 8, lower)


HALVINGS = 6
"""How often the channels of GELU are halved: a 64th of them is the last
group."""


def group_ends(channels: int) -> list[int]:
    """Where the groups of channels end that have a scale of GELU each.

    They come in the order of their range: the first half, half of what is
    left, and so on, down to a 64th; so the few of large range, which differ
    the most, have the most scales.

    Args:
        channels (int): N, at least 1.

    Returns:
        list[int]: Increasing, the last one N; none of the groups is empty.
    """
    ends = {channels - (channels >> k) for k in range(1, HALVINGS + 1)}
    return sorted((ends | {channels}) - {0})


@operator('linear_gelu(Tensor x, Tensor weight, Tensor bias, Tensor m,'
          ' Tensor n, int in_bits, str name, Tensor params, int[] ends,'
          ' int bits) -> Tensor')
def linear_gelu(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
                in_bits: int, name: str, params: Tensor, ends: list[int],
                bits: int) -> Tensor:
    """Linear layer and the GELU after it.

    GELU has scales of its own for each group of channels, which lowering puts
    in the order of their range.

    Args:
        x, weight, bias, m, n (Tensor): As in :func:`linear`.
        in_bits (int): Width of the input of GELU.
        name (str): As in :func:`~iptq_mm.ops.gelu`.
        params (Tensor): int64 [G, 1 + P], a row for each group, as in
            :func:`~iptq_mm.ops.gelu`.
        ends (list[int]): Where the G groups end, increasing, the last one N.
        bits (int): Width of the result, at most 8.

    Returns:
        Tensor: int8 [..., N].
    """
    y = linear(x, weight, bias, m, n, in_bits)
    return torch.cat([
        gelu(y[..., begin:end], name, params[i], bits)
        for i, (begin, end) in enumerate(zip([0, *ends], ends))
    ], -1)
