"""Loops of the references (``ops/loops.py``) as ``Loop`` of ONNX."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from onnx import TensorProto, ValueInfoProto, helper, numpy_helper
from torch import Tensor

from ...compat import zip_strict
from ...ops.loops import each, example, while_any
from .graph import Graph, Value
from .scope import Scope
from .types import element_type


def _each(recording: AbstractContextManager, body: Scope, step: Callable,
          *rows: Tensor) -> list[str]:
    """A turn for each row, and one for a row of zeros: ``onnx.reference`` has
    no result of no turn, and other runtimes do not know its sizes."""
    graph, outer = body.graph, body.outer.graph
    turn, going = graph.name('turn'), graph.name('going')
    own = [example(tensor) for tensor in rows]
    for row, tensor in zip_strict(own, rows):
        value = body.outer.value(tensor)
        name = graph.emit('Gather', _with_a_row_of_zeros(outer, value), turn,
                          axis=0)
        body.bind(row, Value(name, value.stored, value.dtype, row.dim()))
    with recording:
        result = step(*own)
    count = outer.emit('Shape', body.outer.value(rows[0]).name, start=0,
                       end=1)
    one = outer.constant([1])
    # An axis more: onnx.reference joins what others stack. The last axes are
    # those of an entry in either.
    entry = graph.emit('Unsqueeze', body.operand(result, result.dtype),
                       graph.constant([0]))
    info = _info(entry, result.dtype, result.dim() + 1)
    stacked, = _loop(body, outer.emit('Add', count, one), _always(outer),
                     [turn, going], [], [(entry, info)], _always(graph))
    zero, sizes = outer.constant([0]), outer.constant([-1])
    kept = outer.emit('Slice', stacked, zero, count, zero)
    if result.dim():
        own = outer.emit('Shape', stacked, start=-result.dim())
        sizes = outer.emit('Concat', count, own, axis=0)
    return [outer.emit('Reshape', kept, sizes,
                       allowzero=int(result.dim() > 0))]


def _with_a_row_of_zeros(graph: Graph, value: Value) -> str:
    rest = graph.emit('Shape', value.name, start=1)
    sizes = graph.emit('Concat', graph.constant([1]), rest, axis=0)
    kind = helper.tensor_dtype_to_np_dtype(element_type(value.stored))
    zeros = graph.emit('ConstantOfShape', sizes,
                       value=numpy_helper.from_array(np.zeros(1, kind)))
    return graph.emit('Concat', value.name, zeros, axis=0)


def _while_any(recording: AbstractContextManager, body: Scope,
               step: Callable, *state: Tensor) -> list[str]:
    """Turns as long as any is alive."""
    graph, outer = body.graph, body.outer.graph
    turn, going = graph.name('turn'), graph.name('going')
    before = [body.outer.operand(x, x.dtype) for x in state]
    names = [graph.name('state') for _ in state]
    # Not the state itself, in which nothing may be alive.
    own = [x.new_ones(max(1, x.shape[0]), *x.shape[1:]) for x in state]
    for x, name in zip_strict(own, names):
        body.bind(x, Value(name, x.dtype, x.dtype, x.dim()))
    with recording:
        result = step(*own)
    after = [body.operand(x, x.dtype) for x in result]
    infos = [(name, _info(name, x.dtype, x.dim()))
             for name, x in zip_strict(after, result)]
    return _loop(body, '', _any(outer, before[0]), [turn, going],
                 list(zip_strict(before, [
                     _info(name, x.dtype, x.dim())
                     for name, x in zip_strict(names, own)])), infos,
                 _any(graph, after[0]))


def _always(graph: Graph) -> str:
    return graph.constant(True, torch.bool)


def _any(graph: Graph, flags: str) -> str:
    """bool [N] -> bool: whether there is a True."""
    numbers = graph.emit('Cast', flags, to=TensorProto.INT32)
    count = graph.emit('ReduceSum', numbers, graph.constant([0]), keepdims=0)
    return graph.emit('Cast', count, to=TensorProto.BOOL)


def _info(name: str, dtype: torch.dtype, rank: int) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, element_type(dtype),
                                         [None] * rank)


def _loop(body: Scope, most: str, condition: str, counters: Sequence[str],
          carried: Sequence[tuple[str, ValueInfoProto]],
          results: Sequence[tuple[str, ValueInfoProto]],
          again: str) -> list[str]:
    """Add the node around a body.

    Args:
        body (Scope): With all its nodes.
        most, condition (str): How many turns, whether there is a first.
        counters (Sequence[str]): Number of the turn and condition, in it.
        carried (Sequence): Names of the states before, types in the body.
        results (Sequence): Names in the body and types of the states after,
            or of what is stacked.
        again (str): Whether there is another turn, in the body.

    Returns:
        list[str]: Names of its outputs.
    """
    graph, outer = body.graph, body.outer.graph
    outputs = [_info(again, torch.bool, 0), *(info for _, info in results)]
    for info in outputs:  # made in the body, and one for each
        info.name = graph.emit_apart('Identity', info.name)
    inner = helper.make_graph(
        graph.nodes, graph.path,
        [_info(counters[0], torch.int64, 0),
         _info(counters[1], torch.bool, 0), *(info for _, info in carried)],
        outputs)
    ends = [outer.name('Loop') for _ in results]
    outer.nodes.append(
        helper.make_node('Loop',
                         [most, condition, *(name for name, _ in carried)],
                         ends, name=outer.named(ends[0]), body=inner))
    outer.functions |= graph.functions
    return ends


LOOPS: dict[Callable, Callable[..., list[str]]] = {
    each: _each,
    while_any: _while_any
}
"""How a loop becomes a node: (the tracer, scope of the body, step, *tensors)
-> names of the results in the graph around it."""
