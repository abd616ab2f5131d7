"""The borders of an integer model: where floats or pixels enter, where floats
leave.

A scale is kept as the integers of its dyadic form, S = m 2^-n.
"""
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .. import ops

Convert = Callable[[Tensor], Tensor]


class _Scale(nn.Module):
    """A scale as integer buffers. Every integer model holds some, so that
    here a model refuses another precision: what is float around its integers
    would change the results without a word."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('m', torch.zeros((), dtype=torch.int64))
        self.register_buffer('n', torch.zeros((), dtype=torch.int64))

    def _apply(self, fn: Convert, *args: Any, **kwargs: Any) -> nn.Module:
        """What ``.half()``, ``.to(...)`` and the like do to every module.

        Raises:
            TypeError: If they change the dtype of floats.
        """
        dtype = fn(torch.zeros((), dtype=torch.float32)).dtype
        if dtype != torch.float32:
            raise TypeError(
                f'an integer model has no precision to change: it is not to '
                f'be converted to {dtype}. Load it again and leave that out; '
                f'bits are chosen when it is quantized (tools/ptq.py).')
        return super()._apply(fn, *args, **kwargs)

    def item(self) -> float:
        """The scale as a Python float.

        Raises:
            RuntimeError: If the model is still empty.
        """
        return ops.scale_of(self.m, self.n)


class Quantize(nn.Module):
    """Float -> integers: ``clamp(floor(x / S + 1/2))``.

    Args:
        bits (int): Width of the result; float32 [...] -> int8 [...].
    """

    def __init__(self, bits: int):
        super().__init__()
        self.bits = bits
        self.scale = _Scale()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.scale
        return ops.quantize(x.float(), scale.m, scale.n, self.bits)


class Pixels(nn.Module):
    """The image itself, around its middle: ``pixel - 128`` at scale 1.

    uint8 [B, C, H, W] -> int8 [B, C, H', W'], H' and W' the next multiples
    of the patch side. The one place where -128 occurs: no pixel is changed.

    Args:
        channels (int): C.
        patch (int): Patch side.
    """

    integer_region = True

    def __init__(self, channels: int, patch: int):
        super().__init__()
        self.patch = patch
        # What an image is padded with at the bottom and on the right.
        self.register_buffer('padding',
                             torch.zeros(channels, dtype=torch.int8))

    def forward(self, image: Tensor) -> Tensor:
        if image.dtype != torch.uint8:
            raise TypeError(f'this integer model takes uint8 images, not '
                            f'{image.dtype}: build it with the '
                            f'data_preprocessor of its int_config.py')
        return ops.center_pixels(image, self.padding, self.patch)


def image_entrance(kind: str, channels: int, patch: int) -> nn.Module:
    """What an image enters a network by; it has 8 bits, whatever the width of
    the activations.

    Args:
        kind (str): ``'normalized'`` or ``'uint8'``, the pixels themselves.
        channels (int): Of the image.
        patch (int): Patch side.

    Raises:
        ValueError: If it is neither.
    """
    if kind not in ('normalized', 'uint8'):
        raise ValueError(f"input is 'normalized' or 'uint8', not {kind!r}")
    return Pixels(channels, patch) if kind == 'uint8' else Quantize(8)


class Dequantize(nn.Module):
    """Integers -> float32: ``S q``."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = _Scale()

    def forward(self, q: Tensor) -> Tensor:
        return ops.dequantize(q, self.scale.m, self.scale.n)


class DequantizeMaps(nn.Module):
    """Integers [B, H, W, C] -> float32 [B, C, H, W]: ``S q``."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = _Scale()

    def forward(self, q: Tensor) -> Tensor:
        return ops.dequantize_maps(q, self.scale.m, self.scale.n)
