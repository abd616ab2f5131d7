"""From the tokens of the last block to the logits.

The classifiers read 16 bits. They see one token of an image, so that the
second product costs next to nothing, and all error of their input is error of
the logits.
"""
from collections.abc import Sequence

from torch import Tensor, nn

from ... import ops
from ...nn import IntAveragePool, IntLayerNorm, IntWideLinear


class IntTokenHead(nn.Module):
    """Each of the first tokens is classified by a layer of its own.

    int16 [B, N, C] -> int16 [B, classes]: the sum of the logits, which have
    one scale. One token is ViT's, two are DeiT's (class and distillation
    token, Touvron et al., arXiv:2012.12877, section 4).

    Args:
        norm (IntLayerNorm): Before the classifiers, to 16 bits.
        heads (Sequence[IntWideLinear]): One a token.
    """

    def __init__(self, norm: IntLayerNorm, heads: Sequence[IntWideLinear]):
        super().__init__()
        self.norm = norm
        self.heads = nn.ModuleList(heads)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm(x[:, :len(self.heads)])
        logits = self.heads[0](tokens[:, 0])
        for i, head in enumerate(self.heads[1:], 1):
            logits = ops.add(logits, head(tokens[:, i]))
        return logits


class IntAverageHead(nn.Module):
    """The mean of the tokens is classified.

    int16 [B, N, C] -> int16 [B, classes].

    Args:
        skip (int): Leading tokens that have no part in the mean.
        norm (nn.Module): LayerNorm of each token to 16 bits, or ``Identity``.
        pool (IntAveragePool): To what comes next.
        fc_norm (nn.Module): LayerNorm of the mean to 16 bits, or
            ``Identity``.
        head (IntWideLinear): The classifier.
    """

    def __init__(self, skip: int, norm: nn.Module, pool: IntAveragePool,
                 fc_norm: nn.Module, head: IntWideLinear):
        super().__init__()
        self.skip = skip
        self.norm, self.pool, self.fc_norm = norm, pool, fc_norm
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        mean = self.pool(self.norm(x[:, self.skip:]))
        return self.head(self.fc_norm(mean))
