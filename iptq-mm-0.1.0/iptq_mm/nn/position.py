"""Absolute position embedding, added to the residual stream."""
import torch
from torch import Tensor, nn

from .. import ops


class IntPositionEmbedding(nn.Module):
    """A learned vector for each token; int16 -> int16 [B, H, W, C].

    Args:
        tokens (int): Number of tokens it was trained for, H * W.
        channels (int): C.
    """

    def __init__(self, tokens: int, channels: int):
        super().__init__()
        self.register_buffer(
            'embedding', torch.zeros(tokens, channels, dtype=torch.int16))

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.shape[1] * x.shape[2]
        if tokens != len(self.embedding):
            raise ValueError(
                f'the absolute position embedding has {len(self.embedding)} '
                f'tokens, the image gives {x.shape[1]} x {x.shape[2]}: use '
                f'images of the size of pretrain_img_size')
        return ops.add(x, self.embedding.view(x.shape[1:]))
