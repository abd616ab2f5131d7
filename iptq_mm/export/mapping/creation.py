"""New tensors."""
from collections.abc import Sequence

import numpy as np
import torch
from onnx import helper, numpy_helper
from torch import Tensor

from ..graph.graph import Value
from ..graph.scope import Scope
from ..graph.symbolic import SymbolicInt, sizes
from ..graph.types import element_type
from .registry import maps


def _filled(scope: Scope, result: Tensor, lengths: str, fill: int) -> Value:
    """int64 [n] of sizes -> a tensor of one value."""
    kind = helper.tensor_dtype_to_np_dtype(element_type(result.dtype))
    name = scope.graph.emit(
        'ConstantOfShape', lengths,
        value=numpy_helper.from_array(np.asarray([fill], dtype=kind)))
    return Value(name, result.dtype, result.dtype, result.dim())


@maps('zeros')
def zeros(scope: Scope, result: Tensor, *lengths, **_) -> Value:
    lengths = lengths[0] if isinstance(lengths[0], Sequence) else lengths
    return _filled(scope, result, sizes(scope.graph, tuple(lengths)), 0)


@maps('new_zeros')
def new_zeros(scope: Scope, result: Tensor, x: Tensor, *lengths,
              **_) -> Value:
    return zeros(scope, result, *lengths)


@maps('full_like')
def full_like(scope: Scope, result: Tensor, x: Tensor, fill: int,
              **_) -> Value:
    return _filled(scope, result,
                   scope.graph.emit('Shape', scope.value(x).name), fill)


@maps('zeros_like')
def zeros_like(scope: Scope, result: Tensor, x: Tensor, **_) -> Value:
    return full_like(scope, result, x, 0)


@maps('ones_like')
def ones_like(scope: Scope, result: Tensor, x: Tensor, **_) -> Value:
    return full_like(scope, result, x, 1)


@maps('arange')
def arange(scope: Scope, result: Tensor, *ends: int, **_) -> Value:
    start, stop = ends if len(ends) == 2 else (0, *ends)
    name = scope.graph.emit('Range', scope.operand(start, torch.int64),
                            scope.operand(stop, torch.int64),
                            scope.graph.constant(1))
    return scope.graph.converted(
        Value(name, torch.int64, torch.int64, 1), result.dtype)


@maps('full')
def full(scope: Scope, result: Tensor, lengths: Sequence[int], fill: int,
         **_) -> Value:
    return _filled(scope, result, sizes(scope.graph, tuple(lengths)), fill)


@maps('tensor')
def tensor(scope: Scope, result: Tensor, values, **_) -> Value:
    """Numbers, some of which may be sizes."""
    flat = _flat(values)
    if not any(isinstance(number, SymbolicInt) for number in flat):
        return scope.constant(result)
    name = scope.graph.emit('Reshape', sizes(scope.graph, flat),
                            scope.graph.constant([*result.shape]))
    return scope.graph.converted(
        Value(name, torch.int64, torch.int64, result.dim()), result.dtype)


def _flat(values) -> tuple[int, ...]:
    if not isinstance(values, Sequence):
        return (values, )
    return sum(map(_flat, values), ())
