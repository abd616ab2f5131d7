"""The pre-norm transformer block that ViT and Swin are made of."""
from collections.abc import Iterable, Mapping

from torch import Tensor, nn
from torch.nn.modules import module as of_all

from ..nn import IntLayerNorm, IntMLP
from ..nn.linear import operands


class IntBlock(nn.Module):
    """norm1, attention, norm2, MLP; int16 -> int16 [..., C].

    All of it is one operator, unless somebody has hooked one of the layers:
    then they run one by one, and give the same integers.

    Args:
        channels (int): C.
        attention (nn.Module): int8 [..., C] and the int16 stream to the
            int16 stream; ``IntAttention`` or ``IntWindowAttention`` of as
            many bits.
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
        # By the dictionaries: an attribute of a module costs a search.
        norm1, attn, norm2, mlp = self._modules.values()
        qkv, proj = attn._modules.values()
        fc1, fc2 = mlp._modules.values()
        if are_hooked((norm1, attn, qkv, proj, norm2, mlp, fc1, fc2)):
            x = attn(norm1(x), x)
            return mlp(norm2(x), x)
        inside = attn._buffers
        layers = [
            norm1._buffers['params'], *operands(qkv), inside['score'],
            inside['params'], inside['output'], *operands(proj),
            norm2._buffers['params'], *operands(fc1), fc1._buffers['params'],
            *operands(fc2)
        ]
        functions = [norm1.layer_norm, attn.softmax, norm2.layer_norm,
                     fc1.gelu]
        return attn.block(x, layers, functions, fc1.in_bits, fc1.ends)


def are_hooked(modules: Iterable[nn.Module]) -> bool:
    """Whether somebody wants to see them run."""
    for module in modules:
        if module._forward_pre_hooks or module._forward_hooks:
            return True
    return bool(of_all._global_forward_pre_hooks
                or of_all._global_forward_hooks)
