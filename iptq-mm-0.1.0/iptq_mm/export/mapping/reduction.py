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


@maps('amax')
def largest(scope: Scope, result: Tensor, x: Tensor, axis: int,
            keepdim: bool = False) -> Value:
    return _reduced(scope, 'ReduceMax', result, x, axis, keepdim)


@maps('to')
def to(scope: Scope, result: Tensor, x: Tensor, *_, **__) -> Value:
    return scope.graph.converted(scope.value(x), result.dtype)
