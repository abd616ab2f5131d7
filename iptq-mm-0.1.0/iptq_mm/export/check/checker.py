"""The proof that a file computes with integers only."""
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import onnx
import onnx.inliner
import onnx.shape_inference
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

ALLOWED = {
    getattr(TensorProto, name)
    for name in ('BOOL', 'INT4', 'INT8', 'INT16', 'INT32', 'INT64', 'UINT4',
                 'UINT8', 'UINT16', 'UINT32', 'UINT64')
}


class FloatInGraphError(ValueError):
    """A graph holds a tensor that is not an integer one."""


@dataclass(frozen=True)
class IntegerGraph:
    """What :func:`check_integer` found.

    Args:
        operators (Counter[str]): How often each type of operator occurs.
        types (set[str]): Element types of all tensors, ONNX's names.
    """
    operators: Counter[str]
    types: set[str]


def check_integer(model: ModelProto) -> IntegerGraph:
    """Look at every tensor of a model.

    Functions of the model are put in the place of their calls, the types of
    all values are inferred, and graphs inside of nodes are looked at, too.

    Args:
        model (ModelProto): Below 2 GB.

    Returns:
        IntegerGraph: What it is made of.

    Raises:
        FloatInGraphError: Naming the first node, input or initializer that
            is not of an integer type or bool, or whose type cannot be told.
    """
    flat = onnx.inliner.inline_local_functions(model)
    inferred = onnx.shape_inference.infer_shapes(flat, strict_mode=True)
    operators, types = Counter(), set()
    _check_graph(inferred.graph, {}, operators, types)
    return IntegerGraph(operators, types)


def _check_graph(graph: GraphProto, outer: dict[str, int],
                 operators: Counter[str], types: set[str]) -> None:
    known = dict(outer)
    for tensor in graph.initializer:
        known[tensor.name] = tensor.data_type
        _check(tensor.data_type, f'initializer {tensor.name}', types)
    for tensor in graph.sparse_initializer:
        _check(tensor.values.data_type,
               f'initializer {tensor.values.name}', types)
    for info in graph.input:
        known[info.name] = info.type.tensor_type.elem_type
        _check(known[info.name], f'input {info.name}', types)
    for info in (*graph.value_info, *graph.output):
        known[info.name] = info.type.tensor_type.elem_type
    for node in graph.node:
        place = f'node {node.name or node.output[0]} ({node.op_type})'
        operators[node.op_type] += 1
        for kind in _attribute_types(node):
            _check(kind, f'an attribute of {place}', types)
        for output in filter(None, node.output):
            _check(known.get(output, 0), place, types)
        for inner in _subgraphs(node):
            _check_graph(inner, known, operators, types)


def _check(kind: int, place: str, types: set[str]) -> None:
    if kind not in ALLOWED:
        name = TensorProto.DataType.Name(kind)
        raise FloatInGraphError(
            f'{place} is of type {name}: this is no integer-only graph')
    types.add(TensorProto.DataType.Name(kind))


def _attribute_types(node: NodeProto) -> Iterator[int]:
    """Element types of the attributes that are numbers or tensors."""
    for attribute in node.attribute:
        if attribute.type in (AttributeProto.FLOAT, AttributeProto.FLOATS):
            yield TensorProto.FLOAT
        if attribute.type == AttributeProto.TENSOR:
            yield attribute.t.data_type
        yield from (tensor.data_type for tensor in attribute.tensors)
        if attribute.type == AttributeProto.SPARSE_TENSOR:
            yield attribute.sparse_tensor.values.data_type


def _subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs
