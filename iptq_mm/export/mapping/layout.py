"""Operators that move values and change none."""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..graph.graph import Value
from ..graph.scope import Scope
from ..graph.symbolic import shape, size, sizes
from .registry import maps


def moved(scope: Scope, result: Tensor, operator: str, x: Tensor,
          *inputs: str, **attributes) -> Value:
    """A node that moves what ``x`` is stored as."""
    value = scope.value(x)
    name = scope.graph.emit(operator, value.name, *inputs, **attributes)
    return Value(name, value.stored, value.dtype, result.dim())


def _flat(arguments: tuple) -> tuple[int, ...]:
    """Torch takes sizes one by one, or as one sequence."""
    if len(arguments) == 1 and isinstance(arguments[0], Sequence):
        return tuple(arguments[0])
    return arguments


@maps('view', 'reshape')
def reshape(scope: Scope, result: Tensor, x: Tensor, *lengths) -> Value:
    lengths = _flat(lengths)
    # Without allowzero a size of 0 would copy one of the input.
    return moved(
        scope, result, 'Reshape', x, sizes(scope.graph, lengths),
        allowzero=int(-1 not in lengths))


@maps('flatten')
def flatten(scope: Scope, result: Tensor, x: Tensor, start: int = 0,
            end: int = -1) -> Value:
    lengths = list(shape(scope.graph, x, scope.value(x).name))
    start, end = start % x.dim(), end % x.dim()
    merged = lengths[start]
    for length in lengths[start + 1:end + 1]:
        merged = merged * length
    return moved(
        scope, result, 'Reshape', x,
        sizes(scope.graph, (*lengths[:start], merged, *lengths[end + 1:])),
        allowzero=1)


@maps('permute')
def permute(scope: Scope, result: Tensor, x: Tensor, *order) -> Value:
    axes = [axis % x.dim() for axis in _flat(order)]
    return moved(scope, result, 'Transpose', x, perm=axes)


@maps('transpose')
def transpose(scope: Scope, result: Tensor, x: Tensor, i: int,
              j: int) -> Value:
    order = list(range(x.dim()))
    order[i], order[j] = order[j], order[i]
    return moved(scope, result, 'Transpose', x, perm=order)


@maps('T.__get__')
def transposed_matrix(scope: Scope, result: Tensor, x: Tensor) -> Value:
    return moved(scope, result, 'Transpose', x, perm=[1, 0])


@maps('squeeze')
def squeeze(scope: Scope, result: Tensor, x: Tensor, axis: int) -> Value:
    return moved(scope, result, 'Squeeze', x, scope.graph.constant([axis]))


@maps('unsqueeze')
def unsqueeze(scope: Scope, result: Tensor, x: Tensor, axis: int) -> Value:
    return moved(scope, result, 'Unsqueeze', x, scope.graph.constant([axis]))


@maps('expand')
def expand(scope: Scope, result: Tensor, x: Tensor, *lengths) -> Value:
    # Expand broadcasts: 1 leaves a length as it is.
    lengths = tuple(1 if n == -1 else n for n in _flat(lengths))
    return moved(scope, result, 'Expand', x, sizes(scope.graph, lengths))


@maps('repeat')
def repeat(scope: Scope, result: Tensor, x: Tensor, *times) -> Value:
    times = _flat(times)
    value = scope.value(x)
    name = value.name
    if missing := len(times) - x.dim():
        name = scope.graph.emit(
            'Unsqueeze', name, scope.graph.constant(list(range(missing))))
    name = scope.graph.emit('Tile', name, sizes(scope.graph, times))
    return Value(name, value.stored, value.dtype, len(times))


@maps('nn.functional.pad')
def pad(scope: Scope, result: Tensor, x: Tensor, amounts: Sequence[int],
        mode: str = 'constant', value: float | None = None) -> Value:
    """Zeros, before and after the last axes, the last one first."""
    if mode != 'constant' or value:
        raise NotImplementedError('padding with anything but zeros')
    source, graph = scope.value(x), scope.graph
    # ONNX Runtime pads no int16.
    stored = torch.int32 if source.stored == torch.int16 else source.stored
    axes = graph.constant([x.dim() - 1 - i for i in range(len(amounts) // 2)])
    name = graph.emit(
        'Pad', graph.cast(source, stored),
        sizes(graph, (*amounts[::2], *amounts[1::2])), '', axes)
    return scope.result(name, stored, result)


@maps('roll')
def roll(scope: Scope, result: Tensor, x: Tensor, shifts: Sequence[int],
         axes: Sequence[int]) -> Value:
    value = scope.value(x)
    graph, name = scope.graph, value.name
    for shift, axis in zip(shifts, axes):
        # The last `shift` come first; a negative one is counted from there.
        cut, where = graph.constant([-shift]), graph.constant([axis])
        tail = graph.emit('Slice', name, cut,
                          graph.constant([torch.iinfo(torch.int64).max]),
                          where)
        head = graph.emit('Slice', name, graph.constant([0]), cut, where)
        name = graph.emit('Concat', tail, head, axis=axis)
    return Value(name, value.stored, value.dtype, value.rank)


def joined(scope: Scope, result: Tensor, names: Sequence[str],
           axis: int) -> Value:
    """Tensors of the type of the result, side by side."""
    name = scope.graph.emit('Concat', *names, axis=axis)
    return Value(name, result.dtype, result.dtype, result.dim())


@maps('cat')
def concatenate(scope: Scope, result: Tensor, tensors: Sequence[Tensor],
                axis: int = 0) -> Value:
    return joined(scope, result,
                  [scope.operand(x, result.dtype) for x in tensors], axis)


@maps('stack')
def stack(scope: Scope, result: Tensor, tensors: Sequence[Tensor],
          axis: int = 0) -> Value:
    at = scope.graph.constant([axis])
    return joined(scope, result, [
        scope.graph.emit('Unsqueeze', scope.operand(x, result.dtype), at)
        for x in tensors
    ], axis)


@maps('split')
def split(scope: Scope, result: Sequence[Tensor], x: Tensor,
          lengths: Sequence[int], dim: int = 0) -> tuple[Value, ...]:
    value, start, parts = scope.value(x), 0, []
    for length, part in zip(lengths, result):
        end = start + length
        parts.append(Value(sliced(scope, value.name, dim, start, end),
                           value.stored, value.dtype, part.dim()))
        start = end
    return tuple(parts)


@maps('unbind', '__iter__')
def unbind(scope: Scope, result: Sequence[Tensor], x: Tensor,
           axis: int = 0) -> tuple[Value, ...]:
    return tuple(
        moved(scope, part, 'Gather', x, scope.graph.constant(i), axis=axis)
        for i, part in enumerate(result))


def sliced(scope: Scope, name: str, axis: int, start: int, stop: int,
           step: int = 1) -> str:
    """A slice along one axis."""
    graph = scope.graph
    return graph.emit('Slice', name, size(graph, start), size(graph, stop),
                      graph.constant([axis]), graph.constant([step]))
