"""Integer modules, filled from the modules of a float network."""
from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from ...functions.base import Candidate
from ...models.block import IntBlock
from ...nn import (
    IntAttention,
    IntAveragePool,
    IntLayerNorm,
    IntMergedLayerNorm,
    IntMLP,
    IntWindowAttention,
)
from ..linear import lower_linear
from ..rounding.rounding import Roundings
from ..scale import dyadic_tensors, fill, fill_ratio
from .block import BlockNames
from .scales import TransformerScales

MASK = 100.0
"""What Swin subtracts from the score of two tokens of different regions."""


class Filling:
    """A float network, its scales, candidates and roundings, at hand for each
    part of the integer one.

    Args:
        network (nn.Module): Float.
        scales (TransformerScales): Of the network.
        functions (Mapping[str, Candidate]): Of every non-linear layer.
        roundings (Roundings): Of the layers with weights.
    """

    def __init__(self, network: nn.Module, scales: TransformerScales,
                 functions: Mapping[str, Candidate], roundings: Roundings):
        self.network, self.scales = network, scales
        self.functions, self.roundings = functions, roundings
        self.bits = scales.sites.bits

    def linear(self, target: nn.Module, layer: str, in_scale: Tensor | float,
               out_scale: Tensor | float, columns: Tensor | None = None,
               zero: Tensor | int = 0, branch: str | None = None,
               bits: int | None = None) -> None:
        """A linear layer, or a convolution that does not overlap.

        Args:
            target (nn.Module): As for ``lower_linear``, with ``out_scale``
                and ``zero``.
            layer (str): Module name.
            in_scale (Tensor | float): Scale of the int8 input, float64 [K]
                or for all; the weights take up the differences.
            columns (Tensor, optional): int64 [K], where the integer layer
                finds its inputs in the order of the float one, if that
                differs.
            branch (str, optional): Module that multiplies the output by its
                ``gamma``, if it has one (LayerScale, Touvron et al.,
                arXiv:2103.17239): folded into weights and bias.
            bits (int, optional): Width of the weights, where it is not that
                of the others.
        """
        source = self.network.get_submodule(layer)
        weight, bias, gains = source.weight.flatten(1), source.bias, None
        if branch is not None:
            gamma = getattr(self.network.get_submodule(branch), 'gamma', None)
            if gamma is not None:
                weight = gamma[:, None] * weight
                bias = bias if bias is None else gamma * bias
                gains = gamma.detach().double().cpu()
        shares = None
        if isinstance(in_scale, Tensor):
            shares, in_scale = in_scale / in_scale.max(), in_scale.max().item()
            weight = weight.detach().double().cpu() * shares
        if columns is not None:
            weight = weight[:, columns]
        lower_linear(target, weight, bias, in_scale, out_scale,
                     bits or self.bits['weight'],
                     self.roundings(layer, shares, columns, gains), zero)

    def norm(self, target: IntLayerNorm | IntMergedLayerNorm, layer: str,
             columns: Tensor | None = None) -> None:
        """A LayerNorm; ``columns`` reorders the channels."""
        source = self.network.get_submodule(layer)
        in_scale, out_scale, _ = self.scales.norm(layer)
        params = self.functions[layer].lower(
            in_scale, out_scale, source.weight.detach().double().cpu(),
            source.bias.detach().double().cpu(), source.eps)
        fill(target.params, params if columns is None else params[:, columns])

    def block(self, target: IntBlock, names: BlockNames,
              stream: float) -> None:
        """A block on a stream of the given scale."""
        self.norm(target.norm1, names.norm1)
        self.attention(target.attn, names, stream)
        self.norm(target.norm2, names.norm2)
        self.mlp(target.mlp, names, stream)

    def mlp(self, target: IntMLP, names: BlockNames, stream: float) -> None:
        """The MLP of a block."""
        groups = self.scales.sites.gelu(names).groups
        ends = torch.tensor(target.fc1.ends)
        sizes = ends.diff(prepend=ends.new_zeros(1))

        def of_channels(values: Iterable[float]) -> Tensor:
            return torch.tensor(
                list(values), dtype=torch.float64).repeat_interleave(sizes)

        in_scales, params = zip(
            *(group.lower(self.functions[names.gelu]) for group in groups))
        self.linear(target.fc1, names.fc1,
                    self.scales.norm(names.norm2).output,
                    of_channels(in_scales))
        fill(target.fc1.params, torch.stack(params))
        self.linear(target.fc2, names.fc2,
                    of_channels(group.out_scale for group in groups), stream,
                    zero=of_channels(group.zero for group in groups),
                    branch=names.branch2)

    def attention(self, target: IntAttention | IntWindowAttention,
                  names: BlockNames, stream: float) -> None:
        """An attention layer; in windows if the target is."""
        scales = self.scales.sites.attention(names)
        source = self.network.get_submodule(names.attn)
        softmax = self.functions[f'{names.attn}.softmax']
        width = self.bits['attention']
        channels = source.qkv.out_features // 3 // len(scales.q)
        self.linear(
            target.qkv, f'{names.attn}.qkv',
            self.scales.norm(names.norm1).output,
            torch.cat(scales[:3]).repeat_interleave(channels))
        fill(target.params, softmax.lower(scales.scores, width))
        fill_pairs(target.score,
                   scales.q * scales.k * source.scale / scales.scores)
        fill_pairs(target.output,
                   softmax.code_scale(width) * scales.v / scales.context)
        if isinstance(target, IntWindowAttention):
            table = source.relative_position_bias_table
            fill(target.bias_table, (table.detach().double().cpu() /
                                     scales.scores).round())
            fill(target.mask, torch.tensor([-round(MASK / scales.scores)]))
        self.linear(target.proj, f'{names.attn}.proj',
                    scales.context.repeat_interleave(channels), stream,
                    branch=names.branch1)

    def pool(self, target: IntAveragePool, in_scale: float, out_scale: float,
             tokens: int) -> None:
        """The change of scale from a sum of tokens to their mean."""
        fill_ratio(target.requantize, in_scale / out_scale / tokens)


def image_columns(weight: Tensor) -> Tensor:
    """Columns of a patch embedding: a convolution orders (channel, row,
    column), ``cut_patches`` (row, column, channel).

    Args:
        weight (Tensor): [N, C, p, p].

    Returns:
        Tensor: int64 [C * p * p], for ``lower_linear``.
    """
    channels = weight.shape[1]
    return torch.arange(weight[0].numel()).view(channels, -1).T.reshape(-1)


def fill_pairs(buffer: Tensor, ratios: Tensor) -> None:
    """Store ratios of scales, float64 [N], as (m, n), int64 [N, 2]."""
    fill(buffer, torch.stack(dyadic_tensors(ratios), 1))


def set_scale(target: nn.Module, scale: float) -> None:
    """Store the scale of a border as its dyadic integers."""
    m, n = dyadic_tensors(scale)
    fill(target.m, m[0])
    fill(target.n, n[0])
