"""Channels of queries, keys and values brought to like ranges.

Attention does not change when a channel of q is divided by what the same
channel of k is multiplied with, nor when a channel of v is divided by what
the projection's column is multiplied with (cf. RepQ-ViT, Li et al.,
arXiv:2212.08254, who do so after LayerNorms). The rows of the layer that
makes q, k and v take these factors; integers cost what they did.
"""
from collections.abc import Iterable, Mapping
from copy import deepcopy

import torch
from torch import Tensor, nn

from .channels import clamped_logs, quietest_factors


def query_factors(queries: Tensor, keys: Tensor) -> Tensor:
    """What each channel of q is divided by, and of k multiplied with: both
    then reach as far.

    Args:
        queries, keys (Tensor): [C], largest magnitude of each channel.

    Returns:
        Tensor: float64 [C], positive.
    """
    return ((clamped_logs(queries) - clamped_logs(keys)) / 2).exp()


@torch.no_grad()
def equalized_attention(network: nn.Module, attentions: Iterable[str],
                        ranges: Mapping[str, Tensor],
                        bits: Mapping[str, int]) -> nn.Module:
    """A copy of a network with equalized q, k and v.

    Args:
        network (nn.Module): Float; stays as it is.
        attentions (Iterable[str]): Modules with ``qkv`` and ``proj``.
        ranges (Mapping[str, Tensor]): Largest magnitude [3 C] of each channel
            of q, k and v, by the name of the attention module.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """
    network = deepcopy(network)
    for name in attentions:
        attention = network.get_submodule(name)
        qkv, proj = attention.qkv, attention.proj
        queries, keys, values = ranges[name].chunk(3)
        inward = query_factors(queries, keys)
        outward = quietest_factors(values, proj.weight, bits)
        divisors = torch.cat([inward, 1 / inward, outward]).to(qkv.weight)
        qkv.weight /= divisors[:, None]
        if qkv.bias is not None:
            qkv.bias /= divisors
        proj.weight *= outward.to(proj.weight)
    return network
