"""``x[...]`` and ``x[...] = y``."""
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ..graph.graph import Value
from ..graph.scope import Scope
from .layout import sliced
from .registry import maps

_END = torch.iinfo(torch.int64).max


def _spread(index, rank: int) -> list:
    """One entry an axis of the tensor, and None for new axes."""
    index = list(index) if isinstance(index, tuple) else [index]
    used = sum(entry is not None and entry is not ... for entry in index)
    rest = [slice(None)] * (rank - used)
    if any(entry is ... for entry in index):
        at = next(i for i, entry in enumerate(index) if entry is ...)
        return index[:at] + rest + index[at + 1:]
    return index + rest


def _cuts(index: Sequence) -> Iterator[tuple[int, int, int, int]]:
    """Axis, start, stop and step of the slices that cut something off."""
    for axis, entry in enumerate(index):
        if isinstance(entry, slice) and entry != slice(None):
            yield (axis, 0 if entry.start is None else entry.start,
                   _END if entry.stop is None else entry.stop,
                   1 if entry.step is None else entry.step)


@maps('__getitem__')
def get(scope: Scope, result: Tensor, x: Tensor, index) -> Value:
    value, graph = scope.value(x), scope.graph
    name, entries = value.name, _spread(index, x.dim())
    axes = [entry for entry in entries if entry is not None]
    for cut in _cuts(axes):
        name = sliced(scope, name, *cut)
    if sum(isinstance(entry, Tensor) for entry in axes) > 1:
        return _points(scope, result, value, name, axes)
    # From the last axis on, so that those still to come keep their numbers.
    for axis, entry in reversed(list(enumerate(axes))):
        if isinstance(entry, Tensor) and entry.dtype == torch.bool:
            name = graph.emit('Compress', name,
                              scope.operand(entry, torch.bool), axis=axis)
        elif not isinstance(entry, slice):
            name = graph.emit(
                'Gather', name, scope.operand(entry, torch.int64), axis=axis)
    kept = [entry for entry in entries
            if entry is None or isinstance(entry, (slice, Tensor))]
    new = [i for i, entry in enumerate(kept) if entry is None]
    if new:
        name = graph.emit('Unsqueeze', name, graph.constant(new))
    return Value(name, value.stored, value.dtype, result.dim())


def _points(scope: Scope, result: Tensor, value: Value, name: str,
            axes: Sequence) -> Value:
    """Several tensors [N] for the first axes: a place each."""
    places = [entry for entry in axes if isinstance(entry, Tensor)]
    if (any(isinstance(entry, slice) for entry in axes[:len(places)])
            or any(entry != slice(None) for entry in axes[len(places):])
            or any(x.dim() != 1 or x.dtype == torch.bool for x in places)):
        raise NotImplementedError('an index of several tensors that are not '
                                  'for the first axes')
    graph, last = scope.graph, scope.graph.constant([1])
    index = graph.emit('Concat', *(
        graph.emit('Unsqueeze', scope.operand(x, torch.int64), last)
        for x in places), axis=1)
    return Value(graph.emit('GatherND', name, index), value.stored,
                 value.dtype, result.dim())


@maps('nonzero')
def nonzero(scope: Scope, result: Tensor, x: Tensor) -> Value:
    places = scope.graph.emit('NonZero', scope.operand(x, torch.bool))
    return Value(scope.graph.emit('Transpose', places, perm=[1, 0]),
                 torch.int64, torch.int64, 2)


@maps('__setitem__')
def put(scope: Scope, result: Tensor, x: Tensor, index,
        source: Tensor) -> Value:
    """What ``x`` is afterwards: the parts around the slices, and the source
    in their middle."""

    def filled(name: str, cuts: Sequence[tuple[int, int, int, int]]) -> str:
        if not cuts:
            return scope.operand(source, x.dtype)
        (axis, start, stop, step), *inner = cuts
        if step != 1:
            raise NotImplementedError('assignment to a slice with a step')
        parts = [
            sliced(scope, name, axis, 0, start),
            filled(sliced(scope, name, axis, start, stop), inner),
            sliced(scope, name, axis, stop, _END)
        ]
        if isinstance(start, int) and not int(start):
            del parts[0]
        return scope.graph.emit('Concat', *parts, axis=axis)

    entries = _spread(index, x.dim())
    sliced_only = all(isinstance(entry, slice) for entry in entries)
    if not (sliced_only and isinstance(source, Tensor)
            and source.dim() == x.dim()):
        raise NotImplementedError('assignment to anything but slices')
    name = filled(scope.operand(x, x.dtype), list(_cuts(entries)))
    return Value(name, x.dtype, x.dtype, x.dim())
