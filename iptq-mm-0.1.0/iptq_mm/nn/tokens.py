"""Tokens that stand for the whole image, put before the patches."""
import torch
from torch import Tensor, nn


class IntPrefixTokens(nn.Module):
    """The class token, and what else has no place in the image.

    int16 patches [B, N, C] -> int16 [B, P + N, C]. Each token carries its own
    position embedding already.

    Args:
        tokens (int): Their number P.
        channels (int): C.
    """

    def __init__(self, tokens: int, channels: int):
        super().__init__()
        self.register_buffer(
            'tokens', torch.zeros(tokens, channels, dtype=torch.int16))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.tokens.expand(x.shape[0], -1, -1), x], 1)
