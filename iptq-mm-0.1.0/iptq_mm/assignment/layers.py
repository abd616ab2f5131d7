"""A non-linear layer as stage 1 sees it: its exact function and its scales.

One class a kind. ``exact`` is the float layer; ``integer`` is a candidate in
its place as the integer model runs it: the same operator on the same
integers, dequantized.
"""
from dataclasses import dataclass
from typing import ClassVar, Union

import torch
from torch import Tensor
from torch.nn import functional as F

from .. import ops
from ..arithmetic import SHARE_BITS, narrow, qmax
from ..compat import zip_strict
from ..functions.base import GELU, LayerNorm, Softmax
from ..ops.function import attention_weights

MAX_SCORE = 2**24
"""Largest magnitude of a score that Softmax candidates are made for."""


def quantize(x: Tensor, scale: float, largest: int) -> Tensor:
    """Nearest multiples of a scale, clipped at +-largest; int32."""
    return (x.double() / scale).round().clamp(-largest, largest).int()


@dataclass(frozen=True)
class GELULayer:
    """int8 -> int8.

    Args:
        in_scale (float): Scale of an input of 8 bits.
        out_scale (float): Scale of the output.
        zero (int): The integer that stands for an output of 0.
    """
    in_scale: float
    out_scale: float
    zero: int = 0
    kind: ClassVar[str] = 'gelu'

    def exact(self, x: Tensor) -> Tensor:
        """GELU of a float tensor, elementwise."""
        return F.gelu(x)

    def lower(self, candidate: GELU) -> tuple[float, Tensor]:
        """Scale of the input that the candidate reads, which may be wider
        than 8 bits, and ``params`` of :func:`~iptq_mm.ops.gelu`."""
        in_scale = self.in_scale / 2**candidate.extra_bits
        return in_scale, ops.with_zero_point(
            self.zero, candidate.lower(in_scale, self.out_scale))

    def integer(self, x: Tensor, candidate: GELU) -> Tensor:
        """What the candidate makes of x; float64, shape of ``x``."""
        in_scale, params = self.lower(candidate)
        width = 8 + candidate.extra_bits
        q = narrow(quantize(x, in_scale, qmax(width)), width)
        y = ops.gelu(q, candidate.name, params)
        return (y.double() - self.zero) * self.out_scale


@dataclass(frozen=True)
class MLPGELULayer:
    """int8 [..., C] -> int8 [..., C], with scales of their own for groups of
    channels (see ``iptq_mm/lowering/equalization/channel_order.py``).

    Args:
        groups (tuple[GELULayer, ...]): As many as ``ops.group_ends`` has.
    """
    groups: tuple[GELULayer, ...]
    kind: ClassVar[str] = 'gelu'

    def exact(self, x: Tensor) -> Tensor:
        """GELU of a float tensor, elementwise."""
        return F.gelu(x)

    def parts(self, x: Tensor) -> list[tuple[GELULayer, Tensor]]:
        """Each group of the channels of x, with its layer."""
        ends = ops.group_ends(x.shape[-1])
        return list(zip_strict(self.groups, x.tensor_split(ends[:-1], -1)))

    def integer(self, x: Tensor, candidate: GELU) -> Tensor:
        """What the candidate makes of x; float64, shape of ``x``."""
        return torch.cat([
            layer.integer(channels, candidate)
            for layer, channels in self.parts(x)
        ], -1)


@dataclass(frozen=True)
class SoftmaxLayer:
    """int32 scores [..., N] -> probabilities [..., N].

    Args:
        in_scale (float): Scale of the scores.
        bits (int): Width of the probabilities.
    """
    in_scale: float
    bits: int = 8
    kind: ClassVar[str] = 'softmax'

    def exact(self, x: Tensor) -> Tensor:
        """Softmax of a float tensor over the last axis."""
        return x.softmax(-1)

    def integer(self, x: Tensor, candidate: Softmax) -> Tensor:
        """What the candidate makes of x; float64, shape of ``x``."""
        q = quantize(x, self.in_scale, MAX_SCORE)
        params = candidate.lower(self.in_scale, self.bits)
        y = ops.softmax(q, candidate.name, params)
        return y.double() * candidate.out_scale(self.bits)


@dataclass(frozen=True)
class AttentionSoftmaxLayer:
    """int32 scores [..., N] -> what attention multiplies values with [..., N].

    Args:
        in_scale (float): Scale of the scores.
        bits (int): Width of the codes.
    """
    in_scale: float
    bits: int = 8
    kind: ClassVar[str] = 'softmax'

    def exact(self, x: Tensor) -> Tensor:
        """Softmax of a float tensor over the last axis."""
        return x.softmax(-1)

    def integer(self, x: Tensor, candidate: Softmax) -> Tensor:
        """What the candidate makes of x; float64, shape of ``x``."""
        q = quantize(x, self.in_scale, MAX_SCORE)
        params = candidate.lower(self.in_scale, self.bits)
        codes, share = attention_weights(q, candidate.name, params)
        scale = candidate.code_scale(self.bits) / (1 << SHARE_BITS)
        return codes.double() * share * scale


@dataclass(frozen=True, eq=False)
class LayerNormLayer:
    """int16 stream [..., C] -> int8 or int16 [..., C].

    Args:
        in_scale (float): Scale of the input.
        out_scale (float): Scale of the output.
        bits (int): Width of the output.
        weight (Tensor): gamma, float [C], on the CPU.
        bias (Tensor): beta, float [C], on the CPU.
        eps (float): Added to the variance.
    """
    in_scale: float
    out_scale: float
    bits: int
    weight: Tensor
    bias: Tensor
    eps: float
    kind: ClassVar[str] = 'layernorm'

    def exact(self, x: Tensor) -> Tensor:
        """LayerNorm of a float tensor over the last axis."""
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)

    def integer(self, x: Tensor, candidate: LayerNorm) -> Tensor:
        """What the candidate makes of x; float64, shape of ``x``."""
        q = quantize(x, self.in_scale, qmax(16)).to(torch.int16)
        params = candidate.lower(self.in_scale, self.out_scale, self.weight,
                                 self.bias, self.eps)
        y = ops.layer_norm(q, candidate.name, params, self.bits)
        return y.double() * self.out_scale


Layer = Union[GELULayer, MLPGELULayer, SoftmaxLayer, AttentionSoftmaxLayer,
              LayerNormLayer]
