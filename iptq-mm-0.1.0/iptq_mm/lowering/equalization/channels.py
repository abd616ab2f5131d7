"""Channels of LayerNorm outputs brought to like ranges.

Some channels of a LayerNorm's output can be a hundred times as large as the
rest, and leave these few of the codes of a per-tensor scale. A linear layer
that alone reads the output takes any factor of a channel: gamma and beta are
divided by it, the layer's columns multiplied. The function stays what it was,
and integers cost what they did (scale reparameterization, RepQ-ViT, Li et
al., arXiv:2212.08254; the factors are SmoothQuant's, Xiao et al.,
arXiv:2211.10438, equation 4).
"""
from collections.abc import Mapping
from copy import deepcopy

import torch
from torch import Tensor, nn

from ...arithmetic import qmax
from ..rounding.groups import MOST_BITS, grouped

STRENGTHS = (0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.)
"""0 evens out the columns of the weights, 1 the channels of the activations.
Large channels with small columns are evened out whatever the strength."""

RANGE_OF_DEVIATION = 4
"""A channel reaches about so many standard deviations."""

LEAST = 2.0**-20
"""Ranges below this share of the largest count as that: a channel that is
never used shall not be blown up."""


def clamped_logs(values: Tensor) -> Tensor:
    """Logarithms of magnitudes [C], float64, none below ``LEAST`` of the
    largest; 0 where all are zero."""
    values = values.double()
    if not values.any():
        return torch.zeros_like(values)
    return values.clamp(min=LEAST * values.max().item()).log()


def factors(ranges: Tensor, columns: Tensor, strength: float) -> Tensor:
    """range^a / column^(1 - a) for each channel, 1 on (geometric) average.

    Args:
        ranges (Tensor): [C], largest magnitude of each channel.
        columns (Tensor): [C], largest weight that reads each channel.
        strength (float): a in [0, 1].

    Returns:
        Tensor: float64 [C], positive; all 1 where the ranges or the columns
        are all zero.
    """
    logs = (strength * clamped_logs(ranges)
            + (strength - 1) * clamped_logs(columns))
    return (logs - logs.mean()).exp()


def quietest_factors(ranges: Tensor, weight: Tensor,
                     bits: Mapping[str, int]) -> Tensor:
    """``factors`` at the strength of the least noise, as far as that can be
    told from ranges: rounding a value of step S adds a variance of S^2 / 12.

    Args:
        ranges (Tensor): [C], largest magnitude of each channel.
        weight (Tensor): Float [N, C], what reads them.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Returns:
        Tensor: float64 [C].
    """
    ranges, weight = ranges.double(), weight.detach().double().cpu()

    def shares(x: Tensor) -> Tensor:
        """Columns that have a scale together, [N, G, ...]."""
        return grouped(x) if bits['weight'] <= MOST_BITS else x[:, None]

    def noise(divisors: Tensor) -> float:
        inputs, rows = ranges / divisors, weight * divisors
        step = inputs.max() / qmax(bits['activation'])
        steps = shares(rows).abs().amax(-1) / qmax(bits['weight'])
        deviations = inputs / RANGE_OF_DEVIATION
        powers = shares(deviations[None]).square().sum(-1)
        return (step.square() * rows.square().sum()
                + (steps.square() * powers).sum()).item()

    columns = weight.abs().amax(0)
    return min((factors(ranges, columns, strength) for strength in STRENGTHS),
               key=noise)


@torch.no_grad()
def rescaled(network: nn.Module, readers: Mapping[str, str],
             divisors: Mapping[str, Tensor]) -> nn.Module:
    """A copy of a network with other LayerNorm outputs and the same function.

    Args:
        network (nn.Module): Float; stays as it is.
        readers (Mapping[str, str]): The linear layer that alone reads the
            output of a LayerNorm, by the LayerNorm's module name.
        divisors (Mapping[str, Tensor]): What each channel of the output is
            divided by and the layer's column multiplied with, positive [C],
            likewise.
    """
    network = deepcopy(network)
    for name, reader in readers.items():
        norm = network.get_submodule(name)
        divisor = divisors[name].to(norm.weight)
        norm.weight /= divisor
        norm.bias /= divisor
        network.get_submodule(reader).weight *= divisor
    return network


def equalized(network: nn.Module, readers: Mapping[str, str],
              ranges: Mapping[str, Tensor],
              bits: Mapping[str, int]) -> nn.Module:
    """A copy of a network with equalized LayerNorm outputs.

    Args:
        network (nn.Module): Float; stays as it is.
        readers (Mapping[str, str]): As for :func:`rescaled`.
        ranges (Mapping[str, Tensor]): Largest magnitude [C] of each channel
            of a LayerNorm's output, by the LayerNorm's module name.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """
    return rescaled(
        network, readers, {
            norm: quietest_factors(
                ranges[norm], network.get_submodule(reader).weight, bits)
            for norm, reader in readers.items()
        })
