"""The operators of borders on the library's functions."""
import torch
from torch import Tensor

from .core import core, int64s, succeeded, threads
from .fallback import to_reference

_WIDTHS = torch.int8, torch.int16


def _is_scale(m: Tensor, n: Tensor) -> bool:
    return all(x.dtype is torch.int64 and x.numel() == 1 for x in (m, n))


def quantize(x: Tensor, m: Tensor, n: Tensor, bits: int) -> Tensor:
    if x.dtype is torch.float32 and _is_scale(m, n):
        x = x.contiguous()
        y = torch.empty_like(x, dtype=torch.int8)
        if succeeded(core().iptq_quantize(
                threads(), x.data_ptr(), x.numel(), m.data_ptr(),
                n.data_ptr(), bits, y.data_ptr())):
            return y
    return to_reference('quantize', x, m, n, bits)


def dequantize(q: Tensor, m: Tensor, n: Tensor) -> Tensor:
    if q.dtype in _WIDTHS and _is_scale(m, n):
        q = q.contiguous()
        y = torch.empty_like(q, dtype=torch.float32)
        if succeeded(core().iptq_dequantize(
                threads(), q.data_ptr(), q.element_size(), q.numel(),
                m.data_ptr(), n.data_ptr(), y.data_ptr())):
            return y
    return to_reference('dequantize', q, m, n)


def dequantize_maps(q: Tensor, m: Tensor, n: Tensor) -> Tensor:
    if q.dtype in _WIDTHS and q.dim() == 4 and _is_scale(m, n):
        q = q.contiguous()
        images, height, width, channels = q.shape
        y = torch.empty((images, channels, height, width),
                        dtype=torch.float32)
        if succeeded(core().iptq_dequantize_maps(
                threads(), q.data_ptr(), q.element_size(), images,
                height * width, channels, m.data_ptr(), n.data_ptr(),
                y.data_ptr())):
            return y
    return to_reference('dequantize_maps', q, m, n)


def center_pixels(image: Tensor, padding: Tensor, patch: int) -> Tensor:
    if (image.dtype is torch.uint8 and image.dim() == 4 and patch >= 1
            and padding.dtype is torch.int8
            and padding.shape == image.shape[1:2]):
        image, padding = image.contiguous(), padding.contiguous()
        sides = (side + -side % patch for side in image.shape[2:])
        y = torch.empty((*image.shape[:2], *sides), dtype=torch.int8)
        if succeeded(core().iptq_center_pixels(
                threads(), image.data_ptr(), int64s(*image.shape), patch,
                padding.data_ptr(), y.data_ptr())):
            return y
    return to_reference('center_pixels', image, padding, patch)


KERNELS = dict(
    center_pixels=center_pixels, dequantize=dequantize,
    dequantize_maps=dequantize_maps, quantize=quantize)
"""By the operator that each computes; arguments and results are those of its
reference."""
