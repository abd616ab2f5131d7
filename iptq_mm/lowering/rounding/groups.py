"""Weights of few bits in groups, each with a step of its own.

With 4 bits, one scale a channel is set by the largest of hundreds of weights
and leaves the others few codes. So ``GROUP`` inputs side by side share a
step, a small integer times the channel's scale (as in VS-Quant, Dai
et al., arXiv:2102.04503, with its integer factors of a vector). Code times
step fits 6 bits: the product with the weights is that of 6 bits, exact, the
fastest that there is where no instruction multiplies bytes of either sign, and
no kernel and no exported operator knows of groups; only what is stored has
the codes of 4 bits and a step a group (``iptq_mm/nn/packed.py``). Steps of up
to 18, for products of 8 bits, are no more accurate: on a ViT-S the outputs'
SQNR is 22.7 dB with them and 23.5 with those of up to 4.
"""
import torch
from torch import Tensor

from ...arithmetic import qmax
from ...nn.packed import GROUP

MOST_BITS = 4
"""Widest weights that have groups."""

LARGEST = 31
"""Largest magnitude of a code times its step."""


def finest_scale(wanted: Tensor, bits: int) -> Tensor:
    """The scale of each channel at which the largest step of its groups is
    the largest that there is.

    Args:
        wanted (Tensor): float64 [N, G], positive, the best scale of each
            group by itself.
        bits (int): Width of the codes.

    Returns:
        Tensor: float64 [N].
    """
    return wanted.amax(1) / (LARGEST // qmax(bits))


def integer_steps(wanted: Tensor, scale: Tensor) -> Tensor:
    """Steps so that scale times step is near ``wanted``.

    Args:
        wanted (Tensor): float64 [N, G], positive.
        scale (Tensor): float64 [N], not below :func:`finest_scale`.

    Returns:
        Tensor: Whole numbers [N, G], at least 1.
    """
    return (wanted / scale[:, None]).round().clamp(min=1)


def spread(steps: Tensor, length: int) -> Tensor:
    """Of each input the value of its group: [N, G] -> [N, length]."""
    return steps.repeat_interleave(GROUP, 1)[:, :length]


def grouped(weight: Tensor) -> Tensor:
    """[N, K] -> [N, G, GROUP], with zeros after the last one."""
    missing = -weight.shape[1] % GROUP
    padded = torch.nn.functional.pad(weight, (0, missing))
    return padded.unflatten(1, (-1, GROUP))
