"""A float linear layer and the scales around it -> integer weights."""
from __future__ import annotations

import torch
from torch import Tensor, nn

from .rounding.rounding import Rounding, nearest
from .scale import MIN_RATIO, dyadic_tensors, fill

MAX_BIAS = 2**30
"""Largest |bias| in units of the accumulator; half of int32 is left to the
products."""

END_BITS = 8
"""Width of the weights of a network's first and last layers, whatever the
others have: they are few, and nothing after them makes up for their errors."""

LARGEST_INPUT = 128
"""Largest |input|: 127, but for the pixels of an image."""


def least_scale(bias: Tensor, in_scale: float, out_scale: Tensor) -> Tensor:
    """Smallest weight scale of each output channel: below it the bias would
    leave its integers or the requantization its shifts.

    Args:
        bias (Tensor): float64 [N].
        in_scale (float): Scale of the input.
        out_scale (Tensor): float64 [N], scale of the output.

    Returns:
        Tensor: float64 [N], positive.
    """
    return torch.maximum(bias.abs() / in_scale / MAX_BIAS,
                         out_scale / in_scale * MIN_RATIO)


def lower_linear(target: nn.Module, weight: Tensor, bias: Tensor | None,
                 in_scale: float, out_scale: Tensor | float, bits: int,
                 rounding: Rounding = nearest,
                 zero: Tensor | int = 0) -> None:
    """Fill an integer linear layer.

    Args:
        target (nn.Module): Module with the buffers of
            :class:`~iptq_mm.nn.IntLinear`.
        weight (Tensor): Float [N, K], in the order of the integer inputs.
        bias (Tensor | None): Float [N].
        in_scale (float): Scale of the input; of its lower half, if it has
            two.
        out_scale (Tensor | float): Scale of the output, [N] or for all.
        bits (int): Width of the weights.
        rounding (Rounding): Makes integers of the weights.
        zero (Tensor | int): Integer that stands for an input of 0, [K] or
            for all; the bias takes up what it adds.

    Raises:
        ValueError: If the int32 accumulator could overflow.
    """
    weight = weight.detach().double().cpu()
    bias = (torch.zeros(len(weight), dtype=torch.float64)
            if bias is None else bias.detach().double().cpu())
    out_scale = torch.as_tensor(
        out_scale, dtype=torch.float64).expand(len(weight))
    integers, scale, correction = rounding(
        weight, least_scale(bias, in_scale, out_scale), bits)
    bias = ((bias + correction) / (in_scale * scale)).round()
    bias -= (zero * integers).sum(1)
    reach = integers.abs().sum(1) * LARGEST_INPUT + bias.abs()
    if reach.max() >= 2**31:
        raise ValueError(
            f'the int32 accumulator of a linear layer with {weight.shape[1]} '
            f'inputs can reach {reach.max():.3g}, beyond 2^31')
    m, n = dyadic_tensors(in_scale * scale / out_scale)
    fill(target.weight, integers)
    fill(target.bias, bias)
    fill(target.m, m)
    fill(target.n, n)
