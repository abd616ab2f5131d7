"""Channels of keys and values moved to the middle of their range.

Integers that are symmetric about zero waste the codes of a channel that is
not. In attention such a shift is free: one of the keys moves all scores of a
row alike, which Softmax does not see, and one of the values moves what is
read, whose weights add up to 1, by as much, which the bias of the projection
takes back (cf. Outlier Suppression+, Wei et al., arXiv:2304.09145, section
3.1).
"""
from collections.abc import Mapping
from copy import deepcopy

import torch
from torch import Tensor, nn


def offsets(middle: Tensor) -> Tensor:
    """What is taken from the channels of q, k and v.

    Args:
        middle (Tensor): [3 C], middle of each channel's range.

    Returns:
        Tensor: [3 C]; 0 for queries, whose shift would favour some keys.
    """
    queries, others = middle.tensor_split([len(middle) // 3])
    return torch.cat([torch.zeros_like(queries), others])


@torch.no_grad()
def centred(network: nn.Module,
            shifts: Mapping[str, Tensor]) -> nn.Module:
    """A copy of a network with other keys and values and the same function.

    Args:
        network (nn.Module): Float; stays as it is.
        shifts (Mapping[str, Tensor]): As :func:`offsets` makes them, by the
            name of the attention module, which has ``qkv`` and ``proj``.
    """
    network = deepcopy(network)
    for name, shift in shifts.items():
        attention = network.get_submodule(name)
        qkv, proj = attention.qkv, attention.proj
        *_, values = shift.to(proj.weight).chunk(3)
        _add_to_bias(qkv, -shift)
        _add_to_bias(proj, proj.weight.double() @ values.double())
    return network


def _add_to_bias(layer: nn.Linear, by: Tensor) -> None:
    """Also where a layer has none so far."""
    if layer.bias is None:
        layer.bias = nn.Parameter(layer.weight.new_zeros(layer.out_features))
    layer.bias += by.to(layer.bias)
