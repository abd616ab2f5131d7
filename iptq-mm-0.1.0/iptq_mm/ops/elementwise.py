"""Change of scale and sum of integer tensors."""
import torch
from torch import Tensor

from ..arithmetic import narrow
from ..arithmetic import requantize as requantize_
from .library import operator


@operator('requantize(Tensor x, Tensor m, Tensor n, int bits) -> Tensor')
def requantize(x: Tensor, m: Tensor, n: Tensor, bits: int) -> Tensor:
    """Change of scale by the dyadic ratio m 2^-n.

    Args:
        x (Tensor): Integers [..., C], |x| < 2^31.
        m (Tensor): int64 [C] or [1], |m| < 2^31.
        n (Tensor): int64 [C] or [1], in [0, 62].
        bits (int): Width of the result.

    Returns:
        Tensor: int8, int16 or int32 by ``bits``, shape of ``x``.
    """
    return requantize_(x, m, n, bits)


@operator('add(Tensor x, Tensor y) -> Tensor')
def add(x: Tensor, y: Tensor) -> Tensor:
    """Saturating sum of two int16 tensors of one scale, broadcast together.

    Returns:
        Tensor: int16, |q| <= 2^15 - 1.
    """
    return narrow(x.to(torch.int32) + y, 16)
