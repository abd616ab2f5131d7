"""Integer linear layers; one class for each thing done to the accumulator.

The modules are empty when built; lowering, or an integer checkpoint, fills
their buffers. There are no parameters: integers have no gradient.
"""
import torch
from torch import Tensor, nn

from .. import ops
from ..compat import before_loading
from ..registry import APPROXIMATIONS
from .packed import unpack_weight


def allocate(module: nn.Module, in_features: int, out_features: int) -> None:
    """Buffers of a linear layer: weight, bias, and the dyadic multipliers.
    A stored weight may be packed."""
    before_loading(module, unpack_weight)
    module.register_buffer(
        'weight', torch.zeros(out_features, in_features, dtype=torch.int8))
    module.register_buffer('bias', torch.zeros(out_features,
                                               dtype=torch.int32))
    module.register_buffer('m', torch.zeros(out_features, dtype=torch.int64))
    module.register_buffer('n', torch.zeros(out_features, dtype=torch.int64))


def operands(module: nn.Module) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weight, bias, m and n that :func:`allocate` made. As attributes they
    would each take a search that costs as much as a small layer's product."""
    buffers = module._buffers
    return buffers['weight'], buffers['bias'], buffers['m'], buffers['n']


class IntLinear(nn.Module):
    """``x @ weight.T + bias``, requantized per output channel.

    Args:
        in_features (int): K.
        out_features (int): N.
        bits (int): Width of the result. int8 [..., K] -> int8 or int16
            [..., N].
    """

    def __init__(self, in_features: int, out_features: int, bits: int):
        super().__init__()
        self.bits = bits
        allocate(self, in_features, out_features)

    def forward(self, x: Tensor) -> Tensor:
        return ops.linear(x, *operands(self), self.bits)


class IntWideLinear(nn.Module):
    """``x @ weight.T + bias`` of 16-bit inputs, in two products of int8, see
    :func:`~iptq_mm.ops.linear_wide`.

    int16 [..., K] -> int16 [..., N].

    Args:
        in_features (int): K.
        out_features (int): N.
    """

    def __init__(self, in_features: int, out_features: int):
        super().__init__()
        allocate(self, in_features, out_features)

    def forward(self, x: Tensor) -> Tensor:
        return ops.linear_wide(x, *operands(self))


class IntLinearAdd(nn.Module):
    """Linear layer that ends a residual branch.

    int8 [..., K] and the int16 stream [..., N] -> int16 [..., N], at the
    scale of the stream.

    Args:
        in_features (int): K.
        out_features (int): N.
    """

    def __init__(self, in_features: int, out_features: int):
        super().__init__()
        allocate(self, in_features, out_features)

    def forward(self, x: Tensor, stream: Tensor) -> Tensor:
        return ops.linear_add(x, *operands(self), stream)


class IntLinearGELU(nn.Module):
    """Linear layer and the GELU after it; int8 [..., K] -> int8 [..., N].

    Args:
        in_features (int): K.
        out_features (int): N.
        bits (int): Width of the result, at most 8. The input of GELU is wider
            by the ``extra_bits`` of the candidate.
        gelu (str): Candidate of kind ``gelu``.
    """

    def __init__(self, in_features: int, out_features: int, bits: int,
                 gelu: str):
        super().__init__()
        self.bits, self.gelu = bits, gelu
        allocate(self, in_features, out_features)
        self.ends = ops.group_ends(out_features)
        candidate = APPROXIMATIONS.get(gelu)
        self.in_bits = bits + candidate.extra_bits
        own, = candidate.params_shape(out_features)
        self.register_buffer('params',
                             torch.zeros(len(self.ends), 1 + own,
                                         dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        return ops.linear_gelu(x, *operands(self), self.in_bits, self.gelu,
                               self.params, self.ends, self.bits)
