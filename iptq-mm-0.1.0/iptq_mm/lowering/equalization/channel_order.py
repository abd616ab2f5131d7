"""Hidden channels of an MLP in the order of their reach.

A few hidden channels can reach several times as far as the rest, and leave
these few of the codes of a per-tensor scale. The order of the channels is
free: rows of the first linear layer and columns of the second one move
together. So channels of like reach become neighbours, and GELU has scales of
its own for each group of them (``ops.group_ends``; channels reordered by
range: RPTQ, Yuan et al., arXiv:2304.01089, who give each cluster its scale).
What counts is how far a channel reaches above zero: GELU makes nearly nothing
of what lies below.
"""
from collections.abc import Iterable, Mapping
from copy import deepcopy

import torch
from torch import Tensor, nn

from ..transformer.block import BlockNames


@torch.no_grad()
def ordered_by_reach(network: nn.Module, blocks: Iterable[BlockNames],
                     highest: Mapping[str, Tensor]) -> nn.Module:
    """A copy of a network with hidden channels in the order of their reach.

    Args:
        network (nn.Module): Float; stays as it is.
        blocks (Iterable[BlockNames]): Its blocks.
        highest (Mapping[str, Tensor]): Largest value [C] of each channel that
            enters a GELU, by the GELU's module name.
    """
    network = deepcopy(network)
    for names in blocks:
        fc1, fc2 = map(network.get_submodule, (names.fc1, names.fc2))
        order = highest[names.gelu].argsort(stable=True).to(fc1.weight.device)
        fc1.weight.copy_(fc1.weight[order])
        if fc1.bias is not None:
            fc1.bias.copy_(fc1.bias[order])
        fc2.weight.copy_(fc2.weight[:, order])
    return network
