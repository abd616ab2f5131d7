"""Elementwise arithmetic."""
from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from ..graph.graph import Value
from ..graph.scope import Scope
from ..graph.types import computed
from .registry import maps

_ARITHMETIC = {
    'add': 'Add',
    'sub': 'Sub',
    'mul': 'Mul',
    'neg': 'Neg',
    'abs': 'Abs',
    'maximum': 'Max',
    'minimum': 'Min',
    '__and__': 'BitwiseAnd',
    '__or__': 'BitwiseOr',
    '__xor__': 'BitwiseXor',
}
"""Nodes on operands of the type of the result."""

_FUNCTIONS = {
    '__rshift__': 'shift_right',
    '__lshift__': 'shift_left',
    'floor_divide': 'floor_divide',
    '__floordiv__': 'floor_divide',
}
"""Functions of ``primitives``."""

_COMPARISONS = {
    'lt': 'Less',
    'le': 'LessOrEqual',
    'gt': 'Greater',
    'ge': 'GreaterOrEqual',
    'eq': 'Equal',
    '__eq__': 'Equal',
}


_LOGIC = {'BitwiseAnd': 'And', 'BitwiseOr': 'Or', 'BitwiseXor': 'Xor'}
"""Of bools."""


def _arithmetic(operator: str, scope: Scope, result: Tensor,
                *operands: Tensor | int) -> Value:
    if result.dtype == torch.bool:
        names = [scope.operand(x, torch.bool) for x in operands]
        return scope.result(
            scope.graph.emit(_LOGIC[operator], *names), torch.bool, result)
    return scope.arithmetic(operator, result, *operands)


def _function(function: str, scope: Scope, result: Tensor,
              *operands: Tensor | int) -> Value:
    return scope.int64(function, result, *operands)


def _compare(operator: str, scope: Scope, result: Tensor, x: Tensor,
             y: Tensor | int) -> Value:
    # int64 holds every value of every type here, so that none wraps around.
    names = [scope.operand(z, torch.int64) for z in (x, y)]
    return scope.result(
        scope.graph.emit(operator, *names), torch.bool, result)


for _mapping, _table in ((_arithmetic, _ARITHMETIC), (_function, _FUNCTIONS),
                         (_compare, _COMPARISONS)):
    for _name, _node in _table.items():
        maps(_name)(partial(_mapping, _node))


@maps('ne')
def differs(scope: Scope, result: Tensor, x: Tensor,
            y: Tensor | int) -> Value:
    same = _compare('Equal', scope, result, x, y)
    return scope.result(
        scope.graph.emit('Not', same.name), torch.bool, result)


@maps('remainder')
def modulo(scope: Scope, result: Tensor, x: Tensor,
           y: Tensor | int) -> Value:
    return scope.arithmetic('Mod', result, x, y)


@maps('__invert__')
def inverted(scope: Scope, result: Tensor, x: Tensor) -> Value:
    if result.dtype != torch.bool:
        raise NotImplementedError('bitwise not of integers')
    return scope.result(
        scope.graph.emit('Not', scope.operand(x, torch.bool)), torch.bool,
        result)


@maps('__rsub__')
def subtract_from(scope: Scope, result: Tensor, x: Tensor,
                  y: Tensor | int) -> Value:
    return scope.arithmetic('Sub', result, y, x)


@maps('__rlshift__')
def shift_left_by(scope: Scope, result: Tensor, n: Tensor, x: int) -> Value:
    return scope.int64('shift_left', result, x, n)


@maps('div')
def divide(scope: Scope, result: Tensor, x: Tensor, y: Tensor | int, *,
           rounding_mode: str) -> Value:
    if rounding_mode != 'floor':
        raise NotImplementedError(f'division rounded by {rounding_mode}')
    return scope.int64('floor_divide', result, x, y)


@maps('clamp', 'clamp_')
def clamp(scope: Scope, result: Tensor, x: Tensor, min: int | None = None,
          max: int | None = None) -> Value:
    dtype = computed(result.dtype)
    limits = [
        '' if limit is None else scope.operand(limit, dtype)
        for limit in (min, max)
    ]
    return scope.result(
        scope.graph.emit('Clip', scope.operand(x, dtype), *limits), dtype,
        result)


@maps('where')
def where(scope: Scope, result: Tensor, condition: Tensor, x: Tensor | int,
          y: Tensor | int) -> Value:
    chosen = scope.operand(condition, torch.bool)
    names = [scope.operand(z, torch.int64) for z in (x, y)]
    return scope.result(
        scope.graph.emit('Where', chosen, *names), torch.int64, result)
