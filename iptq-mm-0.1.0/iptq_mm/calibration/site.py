"""Named tensors of the float model."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Literal

import torch
from torch import Tensor

NEGLIGIBLE = 50.
"""exp(-50) is 2e-22: such an entry of a Softmax row is 0 in 8 bits, and was
in float32 beside a 1."""

WIDE_HEADROOM = 4
"""How many times the largest value of the calibration images a tensor of more
than 8 bits can have where nothing reads it in fewer."""


@dataclass(frozen=True)
class Site:
    """A tensor whose range calibration observes.

    Args:
        module (str): Dotted name of a module of the float model.
        port (str): ``input``, its first positional argument, or ``output``,
            what it returns (the first element of a tuple or list).
        bits (int): Width the tensor will have in the integer model.
        select (Callable | None): Picks or rewrites the part to look at, such
            as the queries out of q, k, v; None takes the tensor whole.
        headroom (float): The integers reach so many times the observed
            threshold.
        bounded (bool): Whether any few images show the ends of its range, as
            those of pixels: it is kept whole, and goes no further.
    """
    module: str
    port: Literal['input', 'output']
    bits: int
    select: Callable[[Tensor], Tensor] | None = None
    headroom: float = 1.
    bounded: bool = False


def output_site(module: str, bits: int,
                select: Callable[[Tensor], Tensor] | None = None) -> Site:
    """What a module gives, and the integer model as well.

    Other images have larger values than some tens of calibration images
    showed, in the logits of the surest of them by a third. Nothing reads an
    output in fewer bits, so 16 bits can afford to hold those too.
    """
    return Site(module, 'output', bits, select,
                WIDE_HEADROOM if bits > 8 else 1.)


def unmasked_scores(x: Tensor) -> Tensor:
    """Attention scores without the mask's share of their range.

    The shift mask adds -100 to forbidden pairs. An observer that took this
    for a score would spend most codes on values whose probability is 0 in
    any case. So entries more than 50 below their row's maximum are replaced
    by that maximum, whatever made them so low.

    Args:
        x (Tensor): Float [..., N], rows along the last axis.

    Returns:
        Tensor: Float [..., N].
    """
    peak = x.amax(-1, keepdim=True)
    return torch.where(x < peak - NEGLIGIBLE, peak, x)
