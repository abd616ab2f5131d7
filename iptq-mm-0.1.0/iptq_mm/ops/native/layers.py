"""The operators of networks on the library's functions."""
from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from ...arithmetic import storage
from .core import core, int64s, succeeded, threads
from .fallback import to_reference
from .objects import Kept, Object

INT8, INT16, INT32, INT64 = (
    torch.int8, torch.int16, torch.int32, torch.int64)


def _layer(weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
           kind: str = 'linear') -> Object | None:
    one = weight.shape[:1]
    if (weight.dtype is not INT8 or weight.dim() != 2 or not weight.numel()
            or bias.dtype is not INT32 or bias.shape != one
            or any(x.dtype is not INT64 or x.shape != one for x in (m, n))):
        return None
    outputs, inputs = weight.shape
    return Object.create(
        kind, outputs, inputs, weight.data_ptr(), bias.data_ptr(),
        m.data_ptr(), n.data_ptr(), inputs=inputs, outputs=outputs)


def _gelu(params: Tensor, name: str, ends: list[int] | None, in_bits: int,
          bits: int) -> Object | None:
    """Of groups of channels, or (None) one for all."""
    groups = () if ends is None else (len(ends), )
    if params.dtype is not INT64 or params.shape[:-1] != groups:
        return None
    ends = ends or [0]
    return Object.create(
        'gelu', name.encode(), len(ends), int64s(*ends), params.shape[-1],
        params.data_ptr(), in_bits, bits)


def _norm(params: Tensor, name: str, bits: int) -> Object | None:
    if params.dtype is not INT64 or params.dim() != 2:
        return None
    channels = params.shape[1]
    return Object.create(
        'layer_norm', name.encode(), *params.shape, params.data_ptr(), bits,
        inputs=channels, outputs=channels)


def _attention(score: Tensor, params: Tensor, output: Tensor, softmax: str,
               channels: int, heads: int, bits: int) -> Object | None:
    if (any(x.dtype is not INT64 for x in (score, params, output))
            or score.shape != (heads, 2) or output.shape != (heads, 2)
            or params.dim() != 1):
        return None
    return Object.create(
        'attention', channels, heads, score.data_ptr(), softmax.encode(),
        len(params), params.data_ptr(), output.data_ptr(), bits)


kept_layers = Kept(_layer)
kept_wide_layers = Kept(partial(_layer, kind='linear_wide'))
kept_gelus = Kept(_gelu)
kept_norms = Kept(_norm)
kept_attentions = Kept(_attention)


def _takes(layer: Object, x: Tensor, dtype: torch.dtype = INT8) -> bool:
    return (layer.handle is not None and x.dtype is dtype and x.dim() > 0
            and x.size(-1) == layer.inputs and x.numel() > 0)


def _result(x: Tensor, channels: int, dtype: torch.dtype) -> Tensor:
    """For the rows of x; by the form of the call that costs the least."""
    sizes = list(x.shape)
    sizes[-1] = channels
    return torch.empty(*sizes, dtype=dtype)


def linear(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
           bits: int) -> Tensor:
    layer = kept_layers((weight, bias, m, n))
    if _takes(layer, x) and 2 <= bits <= 16:
        x = x.contiguous()
        y = _result(x, layer.outputs, storage(bits))
        if succeeded(core().iptq_linear_run(
                layer.handle, threads(), x.data_ptr(),
                x.numel() // layer.inputs, bits, y.data_ptr())):
            return y
    return to_reference('linear', x, weight, bias, m, n, bits)


def linear_add(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
               residual: Tensor) -> Tensor:
    layer = kept_layers((weight, bias, m, n))
    if (_takes(layer, x) and residual.dtype is INT16
            and residual.shape == (*x.shape[:-1], layer.outputs)):
        x, residual = x.contiguous(), residual.contiguous()
        y = torch.empty_like(residual)
        if succeeded(core().iptq_linear_add(
                layer.handle, threads(), x.data_ptr(),
                x.numel() // layer.inputs, residual.data_ptr(),
                y.data_ptr())):
            return y
    return to_reference('linear_add', x, weight, bias, m, n, residual)


def linear_gelu(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
                in_bits: int, name: str, params: Tensor, ends: list[int],
                bits: int) -> Tensor:
    layer = kept_layers((weight, bias, m, n))
    gelu = kept_gelus((params, ), (name, ends, in_bits, bits))
    if _takes(layer, x) and gelu.handle is not None:
        x = x.contiguous()
        y = _result(x, layer.outputs, INT8)
        if succeeded(core().iptq_linear_gelu(
                layer.handle, gelu.handle, threads(), x.data_ptr(),
                x.numel() // layer.inputs, y.data_ptr())):
            return y
    return to_reference('linear_gelu', x, weight, bias, m, n, in_bits, name,
                        params, ends, bits)


def linear_wide(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor,
                n: Tensor) -> Tensor:
    layer = kept_wide_layers((weight, bias, m, n))
    if _takes(layer, x, INT16):
        x = x.contiguous()
        y = _result(x, layer.outputs, INT16)
        if succeeded(core().iptq_linear_wide_run(
                layer.handle, threads(), x.data_ptr(),
                x.numel() // layer.inputs, y.data_ptr())):
            return y
    return to_reference('linear_wide', x, weight, bias, m, n)


def gelu(x: Tensor, name: str, params: Tensor, bits: int = 8) -> Tensor:
    made = kept_gelus((params, ), (name, None, 8, bits))
    if made.handle is not None and x.dtype is INT8:
        x = x.contiguous()
        y = torch.empty_like(x)
        if succeeded(core().iptq_gelu_run(
                made.handle, threads(), x.data_ptr(), x.numel(),
                y.data_ptr())):
            return y
    return to_reference('gelu', x, name, params, bits)


def conv2d(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
           kernel: int, stride: int, padding: int, relu: bool,
           bits: int) -> Tensor:
    layer = kept_layers((weight, bias, m, n))
    if (layer.handle is not None and x.dim() == 4 and x.dtype is INT8
            and x.numel() and layer.inputs == kernel * kernel * x.shape[3]
            and stride >= 1 and padding >= 0 and 2 <= bits <= 16
            and min(x.shape[1:3]) + 2 * padding >= kernel):
        rows, columns = ((side + 2 * padding - kernel) // stride + 1
                         for side in x.shape[1:3])
        y = torch.empty((len(x), rows, columns, layer.outputs),
                        dtype=storage(bits))
        if succeeded(core().iptq_conv2d(
                layer.handle, threads(), x.data_ptr(), int64s(*x.shape),
                int64s(*x.stride()), kernel, stride, padding, relu, bits,
                y.data_ptr())):
            return y
    return to_reference('conv2d', x, weight, bias, m, n, kernel, stride,
                        padding, relu, bits)


def layer_norm(x: Tensor, name: str, params: Tensor, bits: int) -> Tensor:
    norm = kept_norms((params, ), (name, bits))
    if (norm.handle is not None and x.dtype is INT16 and x.dim()
            and x.numel() and x.size(-1) == norm.inputs):
        x = x.contiguous()
        y = _result(x, norm.outputs, storage(bits))
        if succeeded(core().iptq_layer_norm_run(
                norm.handle, threads(), x.data_ptr(),
                x.numel() // norm.inputs, y.data_ptr())):
            return y
    return to_reference('layer_norm', x, name, params, bits)


def merge_layer_norm(x: Tensor, stride: int, name: str, params: Tensor,
                     bits: int) -> Tensor:
    norm = kept_norms((params, ), (name, bits))
    if (norm.handle is not None and x.dim() == 4 and x.dtype is INT16
            and x.numel() and norm.inputs == 4 * x.shape[3]
            and stride >= 1):
        x = x.contiguous()
        count, rows, columns, _ = x.shape
        y = torch.empty((count, -(-rows // stride), -(-columns // stride),
                         norm.inputs), dtype=storage(bits))
        if succeeded(core().iptq_merge_layer_norm(
                norm.handle, threads(), x.data_ptr(),
                int64s(count, rows, columns), stride, y.data_ptr())):
            return y
    return to_reference('merge_layer_norm', x, stride, name, params, bits)


def attention(qkv: Tensor, heads: int, score: Tensor, softmax: str,
              params: Tensor, output: Tensor, bits: int) -> Tensor:
    if qkv.dim() == 3 and _is_attended(qkv, heads):
        groups, length, channels = qkv.shape
        made = kept_attentions((score, params, output),
                           (softmax, channels // 3, heads, bits))
        if made.handle is not None:
            qkv = qkv.contiguous()
            y = _result(qkv, channels // 3, INT8)
            if succeeded(core().iptq_attention_run(
                    made.handle, threads(), qkv.data_ptr(), groups, length,
                    y.data_ptr())):
                return y
    return to_reference('attention', qkv, heads, score, softmax, params,
                        output, bits)


def window_attention(qkv: Tensor, pad: Tensor, heads: int, window: int,
                     shift: int, table: Tensor, mask: Tensor, score: Tensor,
                     softmax: str, params: Tensor, output: Tensor,
                     bits: int) -> Tensor:
    if (qkv.dim() == 4 and _is_attended(qkv, heads) and pad.dtype is INT8
            and pad.shape == qkv.shape[3:] and 0 <= shift < window
            and table.dtype is INT16
            and table.shape == ((2 * window - 1)**2, heads)
            and mask.dtype is INT32 and mask.numel() == 1):
        made = kept_attentions((score, params, output),
                           (softmax, qkv.shape[3] // 3, heads, bits))
        if made.handle is not None:
            qkv, pad, table = (x.contiguous() for x in (qkv, pad, table))
            y = _result(qkv, qkv.shape[3] // 3, INT8)
            if succeeded(core().iptq_window_attention(
                    made.handle, threads(), qkv.data_ptr(),
                    int64s(*qkv.shape[:3]), pad.data_ptr(), window, shift,
                    table.data_ptr(), mask.item(), y.data_ptr())):
                return y
    return to_reference('window_attention', qkv, pad, heads, window, shift,
                        table, mask, score, softmax, params, output, bits)


def _is_attended(qkv: Tensor, heads: int) -> bool:
    return (qkv.dtype is INT8 and qkv.numel() > 0 and heads >= 1
            and qkv.shape[-1] % (3 * heads) == 0)


def softmax(x: Tensor, name: str, params: Tensor) -> Tensor:
    if (x.dim() >= 1 and x.dtype is INT32 and x.numel()
            and params.dtype is INT64 and params.dim() == 1):
        x, params = x.contiguous(), params.contiguous()
        y, length = torch.empty_like(x), x.shape[-1]
        if succeeded(core().iptq_softmax(
                name.encode(), len(params), params.data_ptr(), threads(),
                x.data_ptr(), x.numel() // length, length, y.data_ptr())):
            return y
    return to_reference('softmax', x, name, params)


def requantize(x: Tensor, m: Tensor, n: Tensor, bits: int) -> Tensor:
    if (x.dim() >= 1 and x.numel() and x.dtype in (INT8, INT16, INT32)
            and m.dtype is INT64 and n.dtype is INT64 and m.dim() == 1
            and m.shape == n.shape and 2 <= bits <= 16
            and len(m) in (1, x.shape[-1])):
        x, m, n = x.contiguous(), m.contiguous(), n.contiguous()
        y, channels = torch.empty_like(x, dtype=storage(bits)), x.shape[-1]
        if succeeded(core().iptq_requantize(
                threads(), x.data_ptr(), x.element_size(),
                x.numel() // channels, channels, m.data_ptr(), n.data_ptr(),
                len(m), bits, y.data_ptr())):
            return y
    return to_reference('requantize', x, m, n, bits)


def add(x: Tensor, y: Tensor) -> Tensor:
    # y may lack leading axes: it is repeated over them.
    if (x.dtype is INT16 and y.dtype is INT16 and y.numel()
            and x.dim() >= y.dim()
            and x.shape[x.dim() - y.dim():] == y.shape):
        x, y = x.contiguous(), y.contiguous()
        total = torch.empty_like(x)
        if succeeded(core().iptq_add(
                threads(), x.data_ptr(), y.data_ptr(), x.numel() // y.numel(),
                y.numel(), total.data_ptr())):
            return total
    return to_reference('add', x, y)


KERNELS = dict(
    add=add, attention=attention, conv2d=conv2d, gelu=gelu,
    layer_norm=layer_norm, linear=linear, linear_add=linear_add,
    linear_gelu=linear_gelu, linear_wide=linear_wide,
    merge_layer_norm=merge_layer_norm,
    requantize=requantize, softmax=softmax,
    window_attention=window_attention)
"""By the operator that each computes; arguments and results are those of its
reference."""
