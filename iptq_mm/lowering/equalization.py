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

STRENGTH = 0.75
"""0 evens out the columns of the weights, 1 the channels of the activations.
Large channels with small columns are evened out whatever the strength."""

LEAST = 2.0**-20
"""Ranges below this share of the largest count as that: a channel that is
never used shall not be blown up."""


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
    logs = torch.zeros(len(ranges), dtype=torch.float64)
    for values, exponent in ((ranges, strength), (columns, strength - 1)):
        values = values.double()
        if values.any():
            logs += exponent * values.clamp(
                min=LEAST * values.max().item()).log()
    return (logs - logs.mean()).exp()


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
              strength: float = STRENGTH) -> nn.Module:
    """A copy of a network with equalized LayerNorm outputs.

    Args:
        network (nn.Module): Float; stays as it is.
        readers (Mapping[str, str]): As for :func:`rescaled`.
        ranges (Mapping[str, Tensor]): Largest magnitude [C] of each channel
            of a LayerNorm's output, by the LayerNorm's module name.
        strength (float): See ``STRENGTH``.
    """
    columns = {
        norm: network.get_submodule(reader).weight.detach().abs().amax(0)
        for norm, reader in readers.items()
    }
    return rescaled(
        network, readers, {
            norm: factors(ranges[norm], columns[norm].cpu(), strength)
            for norm in readers
        })
