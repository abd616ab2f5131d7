"""Sizes that are known when the model runs."""
import operator
from collections.abc import Callable

import torch

from .graph import DOMAIN, Graph


class SymbolicInt(int):
    """A size of a traced tensor: an int, and how the graph computes it.

    Python and torch take it for the int that it is in the traced run, and
    what ``+ - * // %`` make of it is recorded. A comparison is decided by the
    traced run.

    Attributes:
        graph (Graph): Where it is computed.
        name (str): int64 [1] there.
    """

    def __new__(cls, value: int, graph: Graph, name: str) -> 'SymbolicInt':
        self = super().__new__(cls, value)
        self.graph, self.name = graph, name
        return self

    def _record(self, compute: Callable[..., int], node: str,
                *operands: int, domain: str = '') -> 'SymbolicInt':
        if not all(isinstance(operand, int) for operand in operands):
            return NotImplemented  # a tensor has its own arithmetic
        # In a loop's body, where the sizes of the graph around it are known.
        graph = max((operand.graph for operand in operands
                     if isinstance(operand, SymbolicInt)),
                    key=lambda graph: graph.depth)
        names = [size(graph, operand) for operand in operands]
        return SymbolicInt(
            compute(*map(int, operands)), graph,
            graph.emit(node, *names, domain=domain))

    def __add__(self, other: int) -> 'SymbolicInt':
        return self._record(operator.add, 'Add', self, other)

    __radd__ = __add__

    def __sub__(self, other: int) -> 'SymbolicInt':
        return self._record(operator.sub, 'Sub', self, other)

    def __rsub__(self, other: int) -> 'SymbolicInt':
        return self._record(operator.sub, 'Sub', other, self)

    def __mul__(self, other: int) -> 'SymbolicInt':
        return self._record(operator.mul, 'Mul', self, other)

    __rmul__ = __mul__

    def __neg__(self) -> 'SymbolicInt':
        return self._record(operator.neg, 'Neg', self)

    def __floordiv__(self, other: int) -> 'SymbolicInt':
        return self._record(
            operator.floordiv, 'floor_divide', self, other, domain=DOMAIN)

    def __mod__(self, other: int) -> 'SymbolicInt':
        return self._record(operator.mod, 'Mod', self, other)

    def maximum(self, other: int) -> 'SymbolicInt':
        """The larger of two sizes, whichever that is when the model runs."""
        return self._record(max, 'Max', self, other)


def size(graph: Graph, value: int) -> str:
    """Name of a size as int64 [1]."""
    if isinstance(value, SymbolicInt):
        return value.name
    return graph.constant([int(value)])


def sizes(graph: Graph, values: tuple[int, ...]) -> str:
    """Name of sizes as int64 [n]."""
    if any(isinstance(value, SymbolicInt) for value in values):
        return graph.emit(
            'Concat', *(size(graph, value) for value in values), axis=0)
    return graph.constant([int(value) for value in values])


def shape(graph: Graph, tensor: torch.Tensor,
          name: str) -> tuple[SymbolicInt, ...]:
    """The sizes of a tensor of the graph."""
    return tuple(
        SymbolicInt(length, graph,
                    graph.emit('Shape', name, start=i, end=i + 1))
        for i, length in enumerate(tensor.size()))
