"""Nodes of an ONNX graph, or of a function of one, while they are made."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from onnx import NodeProto, helper, numpy_helper

from .types import element_type, holds

DOMAIN = 'iptq_mm'
"""Domain of the functions that a file brings along."""


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    A tensor that was only widened keeps its narrow type until arithmetic
    needs the wide one: a product is then seen to be one of int8, and layout
    operators move a quarter of the bytes.

    Args:
        name (str): In the graph.
        stored (torch.dtype): Its type there.
        dtype (torch.dtype): The type that the reference sees; holds every
            value of ``stored``.
        rank (int): Number of axes.
    """
    name: str
    stored: torch.dtype
    dtype: torch.dtype
    rank: int


class Graph:
    """A list of nodes, none of which computes what another already does.

    Args:
        named (bool): Whether nodes have names of their own. Those of a
            function need none: it is called under many.
        outer (Graph, optional): Of which this is the body of a loop. Defaults
            to None.

    Attributes:
        nodes (list[NodeProto]): In the order of computation.
        path (str): Module path that new names begin with.
        functions (set[str]): Names of the functions that are called.
        depth (int): Of so many loops it is in the body.
    """

    def __init__(self, named: bool, outer: Graph | None = None):
        self._named = named
        self.nodes: list[NodeProto] = []
        # Names of the outer graph are known in a body: its own are others.
        self.path = outer.name('loop') if outer else ''
        self.depth = outer.depth + 1 if outer else 0
        self.functions: set[str] = set()
        self._known: dict[tuple, list[str]] = {}
        self._names: dict[str, int] = {}

    def named(self, output: str) -> str | None:
        """What a node with an output is called."""
        return output if self._named else None

    def name(self, stem: str) -> str:
        """A name that no other value has."""
        stem = f'{self.path}/{stem}' if self.path else stem
        count = self._names[stem] = self._names.get(stem, -1) + 1
        return f'{stem}_{count}' if count else stem

    def emit(self, operator: str, *inputs: str, domain: str = '',
             **attributes) -> str:
        """Add a node with one output.

        Args:
            operator (str): Type of the node; without its arguments, for a
                function.
            *inputs (str): Names; empty for an optional input left out.
            domain (str): ``DOMAIN`` for a function.
            **attributes: As ``onnx.helper.make_node`` takes them.

        Returns:
            str: Name of the output; that of an earlier node that computes
            the same.
        """
        return self.emit_all(1, operator, *inputs, domain=domain,
                             **attributes)[0]

    def emit_all(self, count: int, operator: str, /, *inputs: str,
                 domain: str = '', **attributes) -> list[str]:
        """Add a node with so many outputs; as :meth:`emit`."""
        key = (operator, inputs, domain, repr(sorted(attributes.items())))
        if key not in self._known:
            if domain:
                self.functions.add(operator)
            outputs = self._known[key] = [
                self.name(operator) for _ in range(count)
            ]
            node = helper.make_node(
                operator, inputs, outputs,
                name=self.named(outputs[0]), domain=domain)
            # Not by make_node: one may be called `name`.
            node.attribute.extend(
                helper.make_attribute(name, value)
                for name, value in sorted(attributes.items()))
            self.nodes.append(node)
        return self._known[key]

    def emit_apart(self, operator: str, *inputs: str) -> str:
        """Add a node with one output that no other has."""
        output = self.name(operator)
        self.nodes.append(
            helper.make_node(operator, inputs, [output],
                             name=self.named(output)))
        return output

    def function(self, operator: str, *inputs: str, **attributes) -> str:
        """Add a call of a function of the file; as :meth:`emit`."""
        return self.emit(operator, *inputs, domain=DOMAIN, **attributes)

    def constant(self, values: int | Sequence[int] | np.ndarray,
                 dtype: torch.dtype = torch.int64) -> str:
        """Name of a constant tensor; of rank 0 for an int."""
        if isinstance(values, int) and dtype == torch.int64:
            return self.emit('Constant', value_int=values)
        kind = helper.tensor_dtype_to_np_dtype(element_type(dtype))
        return self.emit(
            'Constant', value=numpy_helper.from_array(
                np.asarray(values, dtype=kind)))

    def cast(self, value: Value, dtype: torch.dtype) -> str:
        """Name of a tensor, in a type that it is to have in the graph."""
        if value.stored == dtype:
            return value.name
        return self.emit('Cast', value.name, to=element_type(dtype))

    def converted(self, value: Value, dtype: torch.dtype) -> Value:
        """``value.to(dtype)``; widening costs nothing yet."""
        if holds(dtype, value.stored):
            return Value(value.name, value.stored, dtype, value.rank)
        return Value(self.cast(value, dtype), dtype, dtype, value.rank)
