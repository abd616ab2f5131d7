"""The pre-norm transformer block that ViT and Swin are made of."""
from collections.abc import Mapping

from torch import Tensor, nn

from ..nn import IntLayerNorm, IntMLP


class IntBlock(nn.Module):
    """norm1, attention, norm2, MLP; int16 -> int16 [..., C].

    Args:
        channels (int): C.
        attention (nn.Module): int8 [..., C] and the int16 stream to the
            int16 stream.
        hidden (int): Channels inside the MLP.
        bits (int): Width of activations before a matrix product.
        functions (Mapping[str, str]): Candidate of ``norm1``, ``norm2`` and
            ``gelu``.
    """

    def __init__(self, channels: int, attention: nn.Module, hidden: int,
                 bits: int, functions: Mapping[str, str]):
        super().__init__()
        self.norm1 = IntLayerNorm(channels, bits, functions['norm1'])
        self.attn = attention
        self.norm2 = IntLayerNorm(channels, bits, functions['norm2'])
        self.mlp = IntMLP(channels, hidden, bits, functions['gelu'])

    def forward(self, x: Tensor) -> Tensor:
        x = self.attn(self.norm1(x), x)
        return self.mlp(self.norm2(x), x)
