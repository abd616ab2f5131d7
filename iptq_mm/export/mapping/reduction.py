"""Sums and maxima along an axis, and changes of type."""
from __future__ import annotations

import torch
from torch import Tensor

from ..graph.graph import Value
from ..graph.scope import Scope
from ..graph.types import computed
from .registry import maps


def _reduced(scope: Scope, operator: str, result: Tensor, x: Tensor,
             axis: int, keepdim: bool) -> Value:
    dtype = computed(result.dtype)
    name = scope.graph.emit(
        operator, scope.operand(x, dtype), scope.graph.constant([axis]),
        keepdims=int(keepdim))
    return scope.result(name, dtype, result)


@maps('sum')
def total(scope: Scope, result: Tensor, x: Tensor, axis: int,
          keepdim: bool = False, dtype: torch.dtype | None = None) -> Value:
    return _reduced(scope, 'ReduceSum', result, x, axis, keepdim)


@maps('amax', 'any')
def largest(scope: Scope, result: Tensor, x: Tensor, axis: int,
            keepdim: bool = False) -> Value:
    return _reduced(scope, 'ReduceMax', result, x, axis, keepdim)


@maps('all')
def smallest(scope: Scope, result: Tensor, x: Tensor, axis: int,
             keepdim: bool = False) -> Value:
    return _reduced(scope, 'ReduceMin', result, x, axis, keepdim)


@maps('prod')
def product(scope: Scope, result: Tensor, x: Tensor, axis: int,
            keepdim: bool = False) -> Value:
    return _reduced(scope, 'ReduceProd', result, x, axis, keepdim)


@maps('cumsum')
def running_total(scope: Scope, result: Tensor, x: Tensor,
                  axis: int) -> Value:
    name = scope.graph.emit('CumSum', scope.operand(x, torch.int64),
                            scope.graph.constant(axis))
    return scope.result(name, torch.int64, result)


@maps('argmax')
def place_of_largest(scope: Scope, result: Tensor, x: Tensor,
                     axis: int) -> Value:
    """The first, as torch gives it."""
    name = scope.graph.emit('ArgMax', scope.operand(x, torch.int32),
                            axis=axis, keepdims=0)
    return scope.result(name, torch.int64, result)


@maps('sort')
def descending(scope: Scope, result: tuple[Tensor, Tensor], x: Tensor,
               **order: bool) -> tuple[Value, Value]:
    """Of equal ones the first comes first: so ONNX defines it, too."""
    if order != dict(descending=True, stable=True) or x.dim() != 1:
        raise NotImplementedError('an order other than stable, descending')
    graph, dtype = scope.graph, computed(x.dtype)
    name = scope.operand(x, dtype)
    values, places = graph.emit_all(
        2, 'TopK', name, graph.emit('Shape', name, start=0, end=1), axis=0)
    return (scope.result(values, dtype, result[0]),
            scope.result(places, torch.int64, result[1]))


@maps('to')
def to(scope: Scope, result: Tensor, x: Tensor, *_, **__) -> Value:
    return scope.graph.converted(scope.value(x), result.dtype)
