"""Float convolutions -> integer ones, and where calibration looks at them."""
from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...calibration import Site
from ...compat import unravel_index
from ...nn import IntConv2d, IntConvTranspose2d
from ..linear import lower_linear
from ..rounding.rounding import Roundings
from ..transformer.filling import image_columns

MAX_MOMENTS = 4096
"""Inputs of a layer up to which a rounding that needs their covariance is
offered one: the covariance of 12544 (a box head of 256 channels) is 1.2 GB."""

MAX_ROWS = 2048
"""Neighbourhoods of one tensor that go into the moments, evenly spread."""


def check_type(module: nn.Module, *types: type) -> None:
    """Refuse a subclass: it may compute something else.

    Raises:
        TypeError: Naming the types.
    """
    if type(module) not in types:
        names = ' or '.join(known.__name__ for known in types)
        raise TypeError(f'{type(module).__name__}, and only {names} itself '
                        f'has an integer form')


def lower_convolution(target: IntConv2d | IntConvTranspose2d,
                      source: nn.Module, in_scale: float, out_scale: float,
                      bits: int, roundings: Roundings, layer: str) -> None:
    """Fill an integer convolution.

    Args:
        target (IntConv2d | IntConvTranspose2d): Empty.
        source (nn.Module): What it stands for: a convolution, a transposed
            one, or a linear layer over a flattened feature map.
        in_scale (float): Scale of the int8 input.
        out_scale (float): Scale of the output.
        bits (int): Width of the weights.
        roundings (Roundings): Make integers of the weights.
        layer (str): Module name of the source, as they know it.

    Raises:
        ValueError: If the int32 accumulator could overflow.
    """
    if isinstance(target, IntConvTranspose2d):
        # [C, N, row, column] -> [row, column, N, C]
        weight = source.weight.permute(2, 3, 1, 0).flatten(0, 2)
        bias = source.bias
        if bias is not None:
            bias = bias.repeat(target.stride**2)
        lower_linear(target.blocks, weight, bias, in_scale, out_scale, bits,
                     roundings(layer))
        return
    weight = source.weight.view(len(source.weight), -1, target.kernel,
                                target.kernel)
    columns = image_columns(weight)
    lower_linear(target, weight.flatten(1)[:, columns], source.bias, in_scale,
                 out_scale, bits, roundings(layer, columns=columns))


def moments_site(name: str, source: nn.Module, bits: int) -> Site | None:
    """Where the rows that a float convolution or linear layer multiplies with
    its weights are seen, [T, K] in the order of its weights.

    Args:
        name (str): Its module name.
        source (nn.Module): The layer.
        bits (int): Width of its input.

    Returns:
        Site | None: None if its inputs are more than ``MAX_MOMENTS``.
    """
    if isinstance(source, nn.ConvTranspose2d):
        features, select = source.in_channels, _positions
    elif isinstance(source, nn.Conv2d):
        features = source.weight[0].numel()
        select = partial(_neighbourhoods, source.kernel_size, source.stride,
                         source.padding)
    else:
        features, select = source.in_features, _spread
    if features > MAX_MOMENTS:
        return None
    return Site(name, 'input', bits, select)


def moments_sites(network: nn.Module, layers: Iterable[str],
                  bits: int) -> dict[str, Site]:
    """:func:`moments_site` of the layers that have one, by module name."""
    sites = {
        name: moments_site(name, network.get_submodule(name), bits)
        for name in layers
    }
    return {name: site for name, site in sites.items() if site}


def _spread(rows: Tensor) -> Tensor:
    """At most ``MAX_ROWS`` of [T, K]."""
    return rows[::-(-len(rows) // MAX_ROWS) or 1]


def _positions(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [T, C]."""
    return _spread(x.permute(0, 2, 3, 1).flatten(0, 2))


def _neighbourhoods(kernel: tuple, stride: tuple, padding: tuple,
                    x: Tensor) -> Tensor:
    """[B, C, H, W] -> [T, C * k * k]."""
    padded = F.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    windows = padded.unfold(2, kernel[0], stride[0]).unfold(
        3, kernel[1], stride[1])  # a view [B, C, H', W', k, k]
    count = windows.shape[0] * windows.shape[2] * windows.shape[3]
    places = _spread(torch.arange(count, device=x.device))
    batch, row, column = unravel_index(
        places, (windows.shape[0], *windows.shape[2:4]))
    return windows[batch, :, row, column].flatten(1)
