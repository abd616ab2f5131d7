"""A float network as calibration can watch it, and replace its functions.

Calibration sees modules. timm computes attention in one fused call, which
keeps the scores to itself, and ViT's unfused path calls Softmax as a function.
So a network of timm is watched as a copy with the same weights (the very
tensors), in which attention is unfused and its Softmax is a module. The stock
network itself stays as it is.
"""
from copy import deepcopy
from functools import singledispatch

import torch
from timm.layers import Attention
from timm.models.swin_transformer import SwinTransformer, WindowAttention
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from ..compat import set_submodule
from .same import agree, check_parameters, evaluating


class WatchedAttention(nn.Module):
    """timm's ``Attention``, unfused; [B, N, C] -> [B, N, C].

    Args:
        attention (Attention): Gives its layers.

    Raises:
        TypeError: If it computes anything else than they say (``qk_norm``,
            a gate, a norm, positions).
    """

    def __init__(self, attention: Attention):
        super().__init__()
        self.num_heads, self.scale = attention.num_heads, attention.scale
        self.qkv, self.proj = attention.qkv, attention.proj
        self.softmax = nn.Softmax(-1)
        self._check(attention)

    @torch.no_grad()
    def _check(self, attention: Attention) -> None:
        check_parameters(attention,
                         (name for name, _ in self.named_parameters()))
        x = torch.randn(1, 5, self.qkv.in_features,
                        generator=torch.Generator().manual_seed(0))
        x = x.to(self.qkv.weight)
        with evaluating(attention):
            if not agree(self(x), attention(x)):
                raise TypeError(
                    f'{type(attention).__name__} that computes something else '
                    f'than its layers tell, which has no integer form')

    def forward(self, x: Tensor, attn_mask: None = None,
                is_causal: bool = False) -> Tensor:
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        probabilities = self.softmax(q * self.scale @ k.transpose(-2, -1))
        return self.proj((probabilities @ v).transpose(1, 2).flatten(2))


@singledispatch
def watchable(network: nn.Module) -> nn.Module:
    """The network itself, or an equal one whose non-linear layers are all
    modules.

    Args:
        network (nn.Module): Float, stock, in evaluation mode.
    """
    return network


@watchable.register(VisionTransformer)
@watchable.register(SwinTransformer)
def _(network: nn.Module) -> nn.Module:
    tensors = (*network.parameters(), *network.buffers())
    copy = deepcopy(network, {id(tensor): tensor for tensor in tensors})
    for name, module in list(copy.named_modules()):
        if isinstance(module, WindowAttention):
            module.fused_attn = False
        elif isinstance(module, Attention):
            set_submodule(copy, name, WatchedAttention(module))
    return copy.eval()
