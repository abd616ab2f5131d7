"""Where floats or pixels become integers, and integers floats.

The only operators with a float on one side; on the other lies an integer
region. A scale comes as the integers of its dyadic form, S = m 2^-n.
"""
import torch
import torch.nn.functional as F
from torch import Tensor

from ..arithmetic import qmax
from .library import operator


def scale_of(m: Tensor, n: Tensor) -> float:
    """A scale as a Python float (53 bits hold m exactly).

    Args:
        m (Tensor), n (Tensor): int64, one value each.

    Raises:
        RuntimeError: If the model that it belongs to is still empty.
    """
    if not m:
        raise RuntimeError(
            'this integer model is empty: load an int_model.pth into it, '
            'or make one with tools/ptq.py')
    return m.item() * 2.0**-n.item()


def padded(image: Tensor, patch: int) -> Tensor:
    """An image of whole patches, zeros at the bottom and on the right.

    Args:
        image (Tensor): [B, C, H, W].
        patch (int): Patch side.
    """
    height, width = image.shape[-2:]
    # Not by assignment into a larger one, whose sizes a program of any size
    # would have to compare.
    return F.pad(image, (0, -width % patch, 0, -height % patch))


@operator('center_pixels(Tensor image, Tensor padding, int patch) -> Tensor')
def center_pixels(image: Tensor, padding: Tensor, patch: int) -> Tensor:
    """The pixels around their middle: ``pixel - 128`` at scale 1.

    Args:
        image (Tensor): uint8 [B, C, H, W].
        padding (Tensor): int8 [C], what an image is padded with at the bottom
            and on the right.
        patch (int): Patch side.

    Returns:
        Tensor: int8 [B, C, H', W'], H' and W' the next multiples of the patch
        side. The one place where -128 occurs: no pixel is changed.
    """
    # What it is padded with becomes 0 for as long as that is done.
    zero = padding.view(-1, 1, 1).to(torch.int16) + 128
    whole = padded(image.to(torch.int16) - zero, patch)
    return (whole + zero - 128).to(torch.int8)


@operator('quantize(Tensor x, Tensor m, Tensor n, int bits) -> Tensor')
def quantize(x: Tensor, m: Tensor, n: Tensor, bits: int) -> Tensor:
    """``clamp(floor(x / S + 1/2))``.

    Args:
        x (Tensor): float32 [...]; NaN becomes 0.
        m (Tensor), n (Tensor): int64 [], the scale.
        bits (int): Width of the result, at most 8.

    Returns:
        Tensor: int8, shape of ``x``.

    Raises:
        RuntimeError: If the scale is 0: the model is empty.
    """
    limit = qmax(bits)
    q = torch.floor(x * (1 / scale_of(m, n)) + 0.5).nan_to_num(0.)
    return q.clamp(-limit, limit).to(torch.int8)


@operator('dequantize(Tensor q, Tensor m, Tensor n) -> Tensor')
def dequantize(q: Tensor, m: Tensor, n: Tensor) -> Tensor:
    """``S q``.

    Args:
        q (Tensor): Integers [...].
        m (Tensor), n (Tensor): int64 [], the scale.

    Returns:
        Tensor: float32, shape of ``q``.

    Raises:
        RuntimeError: If the scale is 0: the model is empty.
    """
    return q.to(torch.float32) * scale_of(m, n)


@operator('dequantize_maps(Tensor q, Tensor m, Tensor n) -> Tensor')
def dequantize_maps(q: Tensor, m: Tensor, n: Tensor) -> Tensor:
    """``S q``, as float networks have their maps.

    Args:
        q (Tensor): Integers [B, H, W, C].
        m (Tensor), n (Tensor): int64 [], the scale.

    Returns:
        Tensor: float32 [B, C, H, W], dense.

    Raises:
        RuntimeError: If the scale is 0: the model is empty.
    """
    maps = q.to(torch.float32) * scale_of(m, n)
    return maps.permute(0, 3, 1, 2).contiguous()
