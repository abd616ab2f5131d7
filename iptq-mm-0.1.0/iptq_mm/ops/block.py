"""Whole transformer blocks in one operator.

A network calls some dozens of blocks of seven layers each. What a call costs
beside its arithmetic counts once a block here, and what one layer gives the
next need never leave the kernels.
"""
from collections.abc import Callable

from torch import Tensor

from .attention import attention, window_attention
from .elementwise import requantize
from .function import layer_norm
from .library import operator
from .linear import linear, linear_add, linear_gelu

LAYERS = 22
"""Tensors that the layers of a block have."""

_ARGUMENTS = ('Tensor[] layers, str[] functions, int heads, int bits,'
              ' int in_bits, int[] ends')


def _run(x: Tensor, layers: list[Tensor], functions: list[str], bits: int,
         in_bits: int, ends: list[int],
         attend: Callable[[Tensor], Tensor]) -> Tensor:
    """The block, layer by layer; ``attend(qkv)`` gives the context."""
    if len(layers) != LAYERS:
        raise ValueError(f'a block has {LAYERS} tensors, not {len(layers)}')
    norm1, norm2, fc1, params, fc2 = (
        layers[0], layers[12], layers[13:17], layers[17], layers[18:22])
    narrow = layer_norm(x, functions[0], norm1, bits)
    context = attend(linear(narrow, *layers[1:5], bits))
    x = linear_add(context, *layers[8:12], x)
    narrow = layer_norm(x, functions[2], norm2, bits)
    hidden = linear_gelu(narrow, *fc1, in_bits, functions[3], params, ends,
                         bits)
    return linear_add(hidden, *fc2, x)


@operator(f'block(Tensor x, {_ARGUMENTS}) -> Tensor')
def block(x: Tensor, layers: list[Tensor], functions: list[str], heads: int,
          bits: int, in_bits: int, ends: list[int]) -> Tensor:
    """Pre-norm block with global attention (ViT).

    Args:
        x (Tensor): int16 [B, N, C], the residual stream.
        layers (list[Tensor]): 22 in the order in which they are used:
            ``params`` of the first LayerNorm; ``weight, bias, m, n`` of qkv;
            ``score, params, output`` of the attention; those of the
            projection; ``params`` of the second LayerNorm; those of fc1, and
            ``params`` of its GELU; those of fc2.
        functions (list[str]): Candidates of the first LayerNorm, Softmax, the
            second LayerNorm and GELU.
        heads (int): Number of heads, a divisor of C.
        bits (int): Width of activations before a matrix product, at most 8.
        in_bits (int), ends (list[int]): Of GELU, as in
            :func:`~iptq_mm.ops.linear_gelu`.

    Returns:
        Tensor: int16 [B, N, C].

    Raises:
        ValueError: If there are more layers, or fewer.
    """

    def attend(qkv: Tensor) -> Tensor:
        score, params, output = layers[5:8]
        return attention(qkv, heads, score, functions[1], params, output,
                         bits)

    return _run(x, layers, functions, bits, in_bits, ends, attend)


@operator(f'window_block(Tensor x, {_ARGUMENTS}, int window, int shift,'
          ' Tensor table, Tensor mask) -> Tensor')
def window_block(x: Tensor, layers: list[Tensor], functions: list[str],
                 heads: int, bits: int, in_bits: int, ends: list[int],
                 window: int, shift: int, table: Tensor,
                 mask: Tensor) -> Tensor:
    """Pre-norm block with attention in (shifted) windows (Swin).

    Args:
        x (Tensor): int16 [B, H, W, C], the residual stream.
        layers, functions, heads, bits, in_bits, ends: As in :func:`block`.
        window (int), shift (int), table (Tensor), mask (Tensor): As in
            :func:`~iptq_mm.ops.window_attention`.

    Returns:
        Tensor: int16 [B, H, W, C].
    """

    def attend(qkv: Tensor) -> Tensor:
        score, params, output = layers[5:8]
        # What qkv makes of a padding token, which is zero.
        pad = requantize(*layers[2:5], bits)
        return window_attention(qkv, pad, heads, window, shift, table, mask,
                                score, functions[1], params, output, bits)

    return _run(x, layers, functions, bits, in_bits, ends, attend)
