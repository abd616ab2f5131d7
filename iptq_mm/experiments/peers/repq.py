"""RepQ-ViT's scheme on our networks, simulated in floats.

Ours, after the paper (Li et al., arXiv:2212.08254), for a comparison on the
same weights and images: weights with a step and an offset an output channel;
activations with one of each a tensor, but for what follows a LayerNorm, where
each channel has its own (the paper's section 3.3: exact, by other weights);
probabilities by powers of sqrt 2 (section 3.4). LayerNorm, GELU, Softmax, the
residual stream and every sum stay in float. Each range is fitted to what comes
out of the quantized layers before, at the first forward pass.
"""
from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from ...lowering import lowering_of, watchable
from ...models.detectors.swin_backbone import DEFAULT_BITS
from ..comparison import Network

SHARES = (.999, .9999, .99999)
"""Of the values, what the range may cover; that of the least error is taken.
"""

LOOKED_AT = 2**22
"""So many values, evenly spread, tell where they lie."""


def between(x: Tensor, low: Tensor, high: Tensor, bits: int) -> Tensor:
    """x in 2^bits even steps from low to high."""
    step = ((high - low) / (2**bits - 1)).clamp(min=1e-8)
    zero = (-low / step).round()
    return (((x / step).round() + zero).clamp(0, 2**bits - 1) - zero) * step


def ends(x: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Lowest and highest value that integers shall reach, of each column.

    Args:
        x (Tensor): float32 [N, C].
        bits (int): Width.

    Returns:
        tuple[Tensor, Tensor]: float32 [C].
    """
    seen = x[::max(1, x.numel() // LOOKED_AT)]
    best = torch.full_like(seen[0], torch.inf)
    low, high = torch.zeros_like(best), torch.zeros_like(best)
    for share in SHARES:
        lower, upper = torch.quantile(
            seen, torch.tensor([1 - share, share]), dim=0)
        error = (between(seen, lower, upper, bits) - seen).square().mean(0)
        better = error < best
        best = torch.where(better, error, best)
        low = torch.where(better, lower, low)
        high = torch.where(better, upper, high)
    return low, high


class _Even:
    """Even steps, for a tensor or for each channel, fitted to the first one
    that comes."""

    def __init__(self, bits: int, channels: bool = False):
        self.bits, self.channels = bits, channels
        self.range: tuple[Tensor, Tensor] | None = None

    def __call__(self, x: Tensor) -> Tensor:
        if self.range is None:
            rows = x.flatten(0, -2) if self.channels else x.reshape(-1, 1)
            self.range = ends(rows, self.bits)
        return between(x, *self.range, self.bits)

    def relative_steps(self) -> Tensor:
        """Of the channels, beside their mean; 1 for a tensor."""
        low, high = self.range
        steps = (high - low).clamp(min=1e-8)
        return steps / steps.mean()


class _Layer:
    """Before a layer with weights: its input, and once its weights, which
    take up the steps of the channels."""

    def __init__(self, bits: int, channels: bool):
        self.bits, self.input = bits, _Even(bits, channels)

    def __call__(self, layer: nn.Module, args: tuple) -> tuple[Tensor]:
        first = self.input.range is None
        x = self.input(args[0])
        if first:
            rows, steps = layer.weight.flatten(1), self.input.relative_steps()
            scaled = (rows * steps).T
            layer.weight.copy_((between(scaled, *ends(scaled, self.bits),
                                        self.bits).T
                                / steps).view_as(layer.weight))
        return x,


class _Parts:
    """After ``qkv``: queries, keys and values, each a tensor."""

    def __init__(self, bits: int):
        self.parts = [_Even(bits) for _ in 'qkv']

    def __call__(self, layer: nn.Module, args: tuple, y: Tensor) -> Tensor:
        return torch.cat([
            quantize(part)
            for quantize, part in zip(self.parts, y.chunk(3, -1))
        ], -1)


class _Powers:
    """After Softmax: 2^(-q / 2) of the largest, 0 beyond the last q."""

    def __init__(self, bits: int):
        self.bits = bits
        self.largest: Tensor | None = None

    def __call__(self, layer: nn.Module, args: tuple, y: Tensor) -> Tensor:
        if self.largest is None:
            self.largest = y.max()
        q = (-2 * (y / self.largest).clamp(min=1e-30).log2()).round()
        return torch.where(q < 2**self.bits, self.largest
                           * 2**(-q.clamp(min=0) / 2), 0.)


@torch.no_grad()
def repq(network: nn.Module, images: Tensor, bits: int) -> Network:
    """A network of timm by the scheme.

    Args:
        network (nn.Module): ViT, DeiT or Swin; stays as it is.
        images (Tensor): float32 [N, 3, H, W], to calibrate on.
        bits (int): Width of weights and activations.

    Raises:
        TypeError: If its parts are not those of a transformer.
    """
    network = watchable(deepcopy(network)).eval()
    lowering = lowering_of(network, DEFAULT_BITS)
    after_norm = set(lowering.readers().values())
    for name, layer in network.named_modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            layer.register_forward_pre_hook(_Layer(bits, name in after_norm))
    for names in lowering.blocks():
        attention = network.get_submodule(names.attn)
        attention.qkv.register_forward_hook(_Parts(bits))
        attention.softmax.register_forward_hook(_Powers(bits))
    network(images)
    return network
