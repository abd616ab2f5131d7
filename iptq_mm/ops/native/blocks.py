"""The operators of whole blocks on the library's functions."""
from __future__ import annotations

from ctypes import Structure, addressof, c_void_p
from typing import Any

import torch
from torch import Tensor

from ..block import LAYERS
from .core import core, int64s, succeeded, threads
from .fallback import to_reference
from .layers import (
    INT16,
    INT32,
    kept_attentions,
    kept_gelus,
    kept_layers,
    kept_norms,
    requantize,
)
from .objects import Kept, Object


class _Block(Structure):
    """``iptq_block``."""
    _fields_ = [(name, c_void_p) for name in (
        'norm1', 'qkv', 'attention', 'proj', 'norm2', 'fc1', 'gelu', 'fc2')]


class _BlockObject(Object):
    """The objects of a block's layers side by side.

    Args:
        parts (list[Object]): In the order of ``_Block``.
    """

    def __init__(self, parts: list[Object]):
        super().__init__()
        self._parts, self.inputs = parts, parts[0].inputs
        self._block = _Block(*(part.handle for part in parts))
        self.handle = addressof(self._block)


class _WindowBlockObject(_BlockObject):
    """And what windows need.

    Args:
        parts (list[Object]): In the order of ``_Block``.
        pad (Tensor): int8 [3 C], q, k, v of a token of zeros.
        table (Tensor): int16 [(2w-1)^2, heads].
        mask (int): Of two tokens that only the shift has brought together.
    """

    def __init__(self, parts: list[Object], pad: Tensor, table: Tensor,
                 mask: int):
        super().__init__(parts)
        self.pad, self.table, self.mask = pad, table, mask
        self.memory = pad, table


def _parts(layers: tuple[Tensor, ...], functions: list[str], heads: int,
           bits: int, in_bits: int, ends: list[int]) -> list[Object] | None:
    if len(layers) != LAYERS:
        return None
    norm1, qkv, inside, proj, norm2, fc1, params, fc2 = (
        layers[0], layers[1:5], layers[5:8], layers[8:12], layers[12],
        layers[13:17], layers[17], layers[18:22])
    channels = norm1.shape[-1]
    parts = [
        kept_norms((norm1, ), (functions[0], bits)),
        kept_layers(qkv),
        kept_attentions(inside, (functions[1], channels, heads, bits)),
        kept_layers(proj),
        kept_norms((norm2, ), (functions[2], bits)),
        kept_layers(fc1),
        kept_gelus((params, ), (functions[3], ends, in_bits, bits)),
        kept_layers(fc2)
    ]
    return None if any(part.handle is None for part in parts) else parts


def _block(*arguments: Any) -> Object | None:
    layers, settings = arguments[:-5], arguments[-5:]
    parts = _parts(layers, *settings)
    return _BlockObject(parts) if parts else None


def _window_block(*arguments: Any) -> Object | None:
    layers, (table, mask, *settings, window) = arguments[:-8], arguments[-8:]
    _, heads, bits, *_ = settings
    parts = _parts(layers, *settings)
    if (not parts or table.dtype is not INT16 or mask.dtype is not INT32
            or table.shape != ((2 * window - 1)**2, heads)
            or mask.numel() != 1):
        return None
    bias, m, n = layers[2:5]
    return _WindowBlockObject(parts, requantize(bias, m, n, bits), table,
                              mask.item())


_blocks, _window_blocks = Kept(_block), Kept(_window_block)


def _takes(made: Object, x: Tensor, axes: int) -> bool:
    return (made.handle is not None and x.dtype is INT16 and x.dim() == axes
            and x.size(-1) == made.inputs and x.numel() > 0)


def block(x: Tensor, layers: list[Tensor], functions: list[str], heads: int,
          bits: int, in_bits: int, ends: list[int]) -> Tensor:
    made = _blocks(tuple(layers), (functions, heads, bits, in_bits, ends))
    if _takes(made, x, 3):
        x = x.contiguous()
        y = torch.empty_like(x)
        if succeeded(core().iptq_block_run(
                made.handle, bits, threads(), x.data_ptr(), *x.shape[:2],
                y.data_ptr())):
            return y
    return to_reference('block', x, layers, functions, heads, bits, in_bits,
                        ends)


def window_block(x: Tensor, layers: list[Tensor], functions: list[str],
                 heads: int, bits: int, in_bits: int, ends: list[int],
                 window: int, shift: int, table: Tensor,
                 mask: Tensor) -> Tensor:
    made = _window_blocks(
        (*layers, table, mask),
        (functions, heads, bits, in_bits, ends, window))
    if (isinstance(made, _WindowBlockObject) and _takes(made, x, 4)
            and 0 <= shift < window):
        x = x.contiguous()
        y = torch.empty_like(x)
        if succeeded(core().iptq_window_block_run(
                made.handle, bits, threads(), x.data_ptr(),
                int64s(*x.shape[:3]), made.pad.data_ptr(), window, shift,
                made.table.data_ptr(), made.mask, y.data_ptr())):
            return y
    return to_reference('window_block', x, layers, functions, heads, bits,
                        in_bits, ends, window, shift, table, mask)


KERNELS = dict(block=block, window_block=window_block)
"""By the operator that each computes; arguments and results are those of its
reference."""
