"""The same function, harder to quantize.

In large transformers some channels of a LayerNorm's output are tens to
hundreds of times as large as the median (FQ-ViT, Lin et al.,
arXiv:2111.13824); in small ones they are not. A small network is
given such channels by scaling them up and the columns that read them down: in
float nothing changes but the last digits.
"""
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..lowering.equalization.channels import rescaled


def hardened(network: nn.Module, readers: Mapping[str, str], factor: float,
             share: float, seed: int) -> nn.Module:
    """A copy of a network with a few large channels in LayerNorm outputs.

    Args:
        network (nn.Module): Float; stays as it is.
        readers (Mapping[str, str]): The linear layer that alone reads a
            LayerNorm, by the LayerNorm's module name
            (``Lowering.readers``).
        factor (float): What the largest channel of each LayerNorm is scaled
            by; the others' factors lie between 1 and that, evenly in their
            logarithm.
        share (float): Of the channels, in (0, 1]; at least one.
        seed (int): Picks the channels.
    """
    generator = torch.Generator().manual_seed(seed)
    return rescaled(
        network, readers, {
            norm: 1 / _scaling(
                len(network.get_submodule(norm).weight), factor, share,
                generator)
            for norm in readers
        })


def _scaling(channels: int, factor: float, share: float,
             generator: torch.Generator) -> Tensor:
    """float64 [C]."""
    count = max(1, round(share * channels))
    scaling = torch.ones(channels, dtype=torch.float64)
    picked = torch.randperm(channels, generator=generator)[:count]
    scaling[picked] = factor**(torch.arange(1, count + 1).double() / count)
    return scaling
