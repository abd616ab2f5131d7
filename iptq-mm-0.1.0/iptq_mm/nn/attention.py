"""Integer self-attention: global (ViT), and in (shifted) windows (Swin)."""
import torch
from torch import Tensor, nn

from .. import ops
from ..registry import APPROXIMATIONS
from .linear import IntLinear, IntLinearAdd


def _allocate(module: nn.Module, channels: int, heads: int, bits: int,
              softmax: str) -> None:
    """The linear layers before and after attention, and the multipliers and
    parameters in between; each head has scales of its own."""
    module.softmax, module.bits, module.heads = softmax, bits, heads
    module.qkv = IntLinear(channels, 3 * channels, bits)
    module.proj = IntLinearAdd(channels, channels)
    for name in ('score', 'output'):
        module.register_buffer(name, torch.zeros(heads, 2, dtype=torch.int64))
    shape = APPROXIMATIONS.get(softmax).params_shape(channels)
    module.register_buffer('params', torch.zeros(shape, dtype=torch.int64))


class IntAttention(nn.Module):
    """qkv, attention of every token to every other, projection onto the
    stream.

    int8 [B, N, C] and the int16 stream [B, N, C] -> int16 [B, N, C].

    Args:
        channels (int): C.
        heads (int): Number of heads, a divisor of C.
        bits (int): Width of q, k, v and of what enters the projection.
        softmax (str): Candidate of kind ``softmax``.
    """

    def __init__(self, channels: int, heads: int, bits: int, softmax: str):
        super().__init__()
        _allocate(self, channels, heads, bits, softmax)

    def forward(self, x: Tensor, stream: Tensor) -> Tensor:
        context = ops.attention(
            self.qkv(x), self.heads, self.score, self.softmax, self.params,
            self.output, self.bits)
        return self.proj(context, stream)

    def block(self, x: Tensor, layers: list[Tensor], functions: list[str],
              in_bits: int, ends: list[int]) -> Tensor:
        """The block around it, see :func:`~iptq_mm.ops.block`; int16 ->
        int16 [B, N, C]."""
        return ops.block(x, layers, functions, self.heads, self.bits,
                         in_bits, ends)


class IntWindowAttention(nn.Module):
    """qkv, attention inside (shifted) windows, projection onto the stream.

    int8 [B, H, W, C] and the int16 stream [B, H, W, C] -> int16
    [B, H, W, C].

    Args:
        channels (int): C.
        heads (int): Number of heads, a divisor of C.
        window (int): Window side w.
        shift (int): Cyclic shift in [0, w).
        bits (int): Width of q, k, v and of what enters the projection.
        softmax (str): Candidate of kind ``softmax``.
    """

    def __init__(self, channels: int, heads: int, window: int, shift: int,
                 bits: int, softmax: str):
        super().__init__()
        self.window, self.shift = window, shift
        _allocate(self, channels, heads, bits, softmax)
        self.register_buffer(
            'bias_table',
            torch.zeros((2 * window - 1)**2, heads, dtype=torch.int16))
        self.register_buffer('mask', torch.zeros(1, dtype=torch.int32))

    def forward(self, x: Tensor, stream: Tensor) -> Tensor:
        qkv = self.qkv
        # What qkv makes of a padding token, which is zero.
        padding = ops.requantize(qkv.bias, qkv.m, qkv.n, qkv.bits)
        context = ops.window_attention(
            qkv(x), padding, self.heads, self.window, self.shift,
            self.bias_table, self.mask, self.score, self.softmax, self.params,
            self.output, self.bits)
        return self.proj(context, stream)

    def block(self, x: Tensor, layers: list[Tensor], functions: list[str],
              in_bits: int, ends: list[int]) -> Tensor:
        """The block around it, see :func:`~iptq_mm.ops.window_block`; int16
        -> int16 [B, H, W, C]."""
        buffers = self._buffers
        return ops.window_block(
            x, layers, functions, self.heads, self.bits, in_bits, ends,
            self.window, self.shift, buffers['bias_table'], buffers['mask'])
