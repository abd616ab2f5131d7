"""A graph under construction and the tensors of the traced run in it."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .graph import Graph, Value
from .symbolic import SymbolicInt
from .types import computed


class Scope:
    """What the mappings work with: the graph, and the Value of each tensor.

    Args:
        graph (Graph): Where nodes go.
        constant (Callable): The Value of a tensor that no traced function
            has made: a buffer, or a constant of the code.
        outer (Scope, optional): Around the body of a loop, where its values
            are known. Defaults to None.
    """

    def __init__(self, graph: Graph,
                 constant: Callable[[Graph, Tensor], Value],
                 outer: Scope | None = None):
        self.graph, self.outer = graph, outer
        self._constant = constant
        # The tensors are kept, so that no other gets the id of one of them.
        self._values: dict[int, tuple[Tensor, Value]] = {}

    def bind(self, tensor: Tensor, value: Value) -> None:
        """From now on the tensor is this value."""
        self._values[id(tensor)] = (tensor, value)

    def knows(self, tensor: Tensor) -> bool:
        """Whether a traced function has made it, or it is an input."""
        return id(tensor) in self._values or (
            self.outer is not None and self.outer.knows(tensor))

    def value(self, tensor: Tensor) -> Value:
        """The Value of a tensor."""
        if id(tensor) in self._values:
            return self._values[id(tensor)][1]
        if self.outer is not None and self.outer.knows(tensor):
            return self.outer.value(tensor)
        self.bind(tensor, self._constant(self.graph, tensor))
        return self._values[id(tensor)][1]

    def constant(self, tensor: Tensor) -> Value:
        """The Value of a tensor that is what it is in every run."""
        return self._constant(self.graph, tensor)

    def operand(self, x: Tensor | int, dtype: torch.dtype) -> str:
        """Name of an operand of elementwise arithmetic, in a type."""
        if isinstance(x, Tensor):
            return self.graph.cast(self.value(x), dtype)
        if isinstance(x, SymbolicInt):
            scalar = self.graph.emit(
                'Squeeze', x.name, self.graph.constant([0]))
            return self.graph.cast(
                Value(scalar, torch.int64, torch.int64, 0), dtype)
        return self.graph.constant(int(x), dtype)

    def result(self, name: str, stored: torch.dtype,
               result: Tensor) -> Value:
        """The Value of a result that the graph holds in the type ``stored``,
        in the type that torch gave it."""
        return self.graph.converted(
            Value(name, stored, stored, result.dim()), result.dtype)

    def arithmetic(self, operator: str, result: Tensor,
                   *operands: Tensor | int) -> Value:
        """Elementwise node, computed in int32 or int64."""
        dtype = computed(result.dtype)
        names = [self.operand(x, dtype) for x in operands]
        return self.result(self.graph.emit(operator, *names), dtype, result)

    def int64(self, function: str, result: Tensor,
              *operands: Tensor | int) -> Value:
        """Elementwise function of ``primitives``, which are of int64."""
        names = [self.operand(x, torch.int64) for x in operands]
        return self.result(
            self.graph.function(function, *names), torch.int64, result)
