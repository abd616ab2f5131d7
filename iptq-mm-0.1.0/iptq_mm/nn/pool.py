"""Pooling of tokens before a classifier."""
import torch
from torch import Tensor, nn

from .norm import IntRequantize


class IntAveragePool(nn.Module):
    """Mean over all tokens, at a new scale.

    int16 [B, N, C] -> int16 [B, C]. The sum of int16 needs int32 as long as
    N <= 65536; the division by N is part of the change of scale.
    """

    def __init__(self) -> None:
        super().__init__()
        self.requantize = IntRequantize(16)

    def forward(self, x: Tensor) -> Tensor:
        return self.requantize(x.sum(1, dtype=torch.int32))
