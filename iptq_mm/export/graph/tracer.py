"""Integer modules, run once and written down as an ONNX graph.

The traced run is an ordinary one on real integers. Every function of torch
that is called shows up here, as in the integer-only guard, with its
arguments and its result, and becomes nodes. Sizes of tensors are
:class:`~iptq_mm.export.graph.symbolic.SymbolicInt`, so that the graph is right
for other sizes too.

An operator of ``iptq`` becomes a call of an ONNX function whose body is its
reference, traced the same way. Nothing of the arithmetic is stated a second
time here: what is exported is the reference.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import torch
from onnx import FunctionProto, helper
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_unflatten

from ...compat import all_indices_seen, zip_strict
from ...ops import REFERENCES
from ...ops.native import INTERFACE
from ..mapping import MAPPINGS, name_of
from .digest import digest
from .graph import DOMAIN, Graph, Value
from .loops import LOOPS
from .primitives import primitive
from .scope import Scope
from .symbolic import SymbolicInt, shape

_NOT_RECORDED = {
    'dim', 'device.__get__', 'dtype.__get__', 'is_floating_point', 'size'
}
"""Questions about a tensor whose answers do not depend on its sizes."""


class NotExportableError(NotImplementedError):
    """Integer code does something that has no mapping to ONNX."""


class Tracer(TorchFunctionMode):
    """Records what happens while it is entered.

    Args:
        opset (int): Version of ONNX's operators.
        constants (Callable): The Value of a tensor that nothing in the
            traced run has made, in the graph of the model.

    Attributes:
        graph (Graph): Of the model.
        functions (dict[str, FunctionProto]): By name, each after those that
            it calls.
        steps (dict[str, Tensor]): What each operator of ``iptq`` gave in the
            traced run, by the name of its output in the graph.
    """

    def __init__(self, opset: int,
                 constants: Callable[[Graph, Tensor], Value]):
        super().__init__()
        self.opset = opset
        self.functions: dict[str, FunctionProto] = {}
        self.steps: dict[str, Tensor] = {}
        self._names: dict[tuple, str] = {}
        self._indices: list[AbstractContextManager] = []
        self._main = Scope(Graph(named=True), constants)
        self._scope = self._main

    def __enter__(self) -> Tracer:
        self._indices.append(all_indices_seen())
        self._indices[-1].__enter__()
        return super().__enter__()

    def __exit__(self, *error) -> None:
        super().__exit__(*error)
        self._indices.pop().__exit__(*error)

    @property
    def graph(self) -> Graph:
        """The graph of the model."""
        return self._main.graph

    def bind(self, tensor: Tensor, name: str) -> None:
        """Make a tensor an input of the model."""
        self._main.bind(
            tensor, Value(name, tensor.dtype, tensor.dtype, tensor.dim()))

    def output(self, tensor: Tensor) -> str:
        """Name of a tensor of the model, in the type that it has there."""
        return self._main.operand(tensor, tensor.dtype)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        schema = getattr(function, '_schema', None)
        qualified = getattr(schema, 'name', None)
        if qualified in REFERENCES:
            return self._operator(qualified, function, args, kwargs)
        name = name_of(function)
        if name == 'shape.__get__':
            return self._shape(args[0])
        if name == 'sym_max':
            return self._largest(*args)
        if name == 'item':
            return self._item(*args)
        if function in LOOPS:
            return self._loop(function, *args)
        result = function(*args, **kwargs)
        if name in _NOT_RECORDED:
            return result
        if name == '__len__' and not self._scope.knows(args[0]):
            return result
        if name not in MAPPINGS:
            raise NotExportableError(
                f'torch.{name} has no mapping to ONNX; add one to '
                f'iptq_mm/export/mapping')
        mapped = MAPPINGS[name](self._scope, result, *args, **kwargs)
        self._bind_result(name, result, mapped, args)
        return result

    def _bind_result(self, name: str, result, mapped, args: tuple) -> None:
        if name == '__setitem__':
            self._scope.bind(args[0], mapped)
        elif isinstance(mapped, tuple):
            for part, value in zip_strict(result, mapped):
                self._scope.bind(part, value)
        else:
            self._scope.bind(result, mapped)

    def _shape(self, x: Tensor) -> tuple[int, ...]:
        if not self._scope.knows(x):
            return tuple(x.shape)
        return shape(self._scope.graph, x, self._scope.value(x).name)

    def _largest(self, x: int, y: int) -> int:
        if not isinstance(x, SymbolicInt):
            x, y = y, x
        return x.maximum(y) if isinstance(x, SymbolicInt) else max(x, y)

    def _item(self, x: Tensor) -> SymbolicInt:
        graph = self._scope.graph
        number = graph.emit('Reshape', self._scope.operand(x, torch.int64),
                            graph.constant([1]))
        return SymbolicInt(int(x.item()), graph, number)

    def _loop(self, function: Callable, step: Callable,
              *tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
        """``each`` or ``while_any``, and its step as the body of a loop."""
        result = function(step, *tensors)
        outer = self._scope
        self._scope = Scope(Graph(named=False, outer=outer.graph), literal,
                            outer)
        try:
            names = LOOPS[function](self, self._scope, step, *tensors)
        finally:
            self._scope = outer
        results = result if isinstance(result, tuple) else (result, )
        for x, name in zip_strict(results, names):
            outer.bind(x, Value(name, x.dtype, x.dtype, x.dim()))
        return result

    def _operator(self, qualified: str, function: Callable, args: tuple,
                  kwargs: Mapping) -> Tensor:
        """A call of an operator of ``iptq``."""
        leaves, structure = tree_flatten((args, kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        result = function(*args, **kwargs)
        attributes = settings_of(function, args, kwargs)
        key = (qualified, repr(attributes),
               tuple((x.dtype, x.dim()) for x in tensors))
        if key not in self._names:
            self._names[key] = self._function_name(
                qualified.split('::')[1], tensors[0], result)
            self._define(self._names[key], REFERENCES[qualified], leaves,
                         structure, [*attributes, 'constants', 'digest'])
        graph, fixed = self._scope.graph, []
        if self._scope is self._main:
            fixed = [i for i, x in enumerate(tensors)
                     if not self._main.knows(x)]
        inputs = [self._scope.operand(x, x.dtype) for x in tensors]
        name = graph.function(
            self._names[key], *inputs, **attributes,
            constants=sum(1 << i for i in fixed),
            digest=digest([tensors[i] for i in fixed]))
        self._scope.bind(
            result, Value(name, result.dtype, result.dtype, result.dim()))
        if self._scope is self._main:
            self.steps[name] = result
        return result

    def _function_name(self, operator: str, first: Tensor,
                       result: Tensor) -> str:
        """``linear_int8_int16``, and with a number if there are other ones of
        other settings: a library for ONNX Runtime finds it by this name
        (``iptq_mm/core/onnxruntime/``)."""
        types = [str(x.dtype).split('.')[1] for x in (first, result)]
        name = '_'.join([operator, *types])
        same = sum(
            other == name or other.startswith(f'{name}__')
            for other in self._names.values())
        return f'{name}__{same}' if same else name

    def _define(self, name: str, reference: Callable, leaves: list,
                structure, attributes: list[str]) -> None:
        """Trace a reference into a function of the file. Its settings are in
        its body; as attributes they are there for who runs a kernel in its
        place."""
        # New tensor objects, since one may be two arguments; and a row of
        # each, so that a reference has what it looks at.
        leaves = [
            _with_a_row(leaf) if isinstance(leaf, Tensor) else leaf
            for leaf in leaves
        ]
        args, kwargs = tree_unflatten(leaves, structure)
        inputs = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        outer, self._scope = self._scope, Scope(Graph(named=False), literal)
        try:
            for i, x in enumerate(inputs):
                self._scope.bind(x, Value(f'input_{i}', x.dtype, x.dtype,
                                          x.dim()))
            with self:
                result = reference(*args, **kwargs)
            output = self._scope.operand(result, result.dtype)
            graph = self._scope.graph
        finally:
            self._scope = outer
        self._define_primitives(graph)
        self.functions[name] = helper.make_function(
            DOMAIN, name, [f'input_{i}' for i in range(len(inputs))],
            [output], graph.nodes,
            opset_imports(self.opset, bool(graph.functions)), attributes)

    def _define_primitives(self, graph: Graph) -> None:
        for name in graph.functions - self.functions.keys():
            self.functions[name] = primitive(name, self.opset)

    def finish(self) -> list[FunctionProto]:
        """All functions that the graph needs, each after those it calls."""
        self._define_primitives(self.graph)
        return list(self.functions.values())


def _with_a_row(x: Tensor) -> Tensor:
    if x.dim() and not x.shape[0]:
        return x.new_zeros(1, *x.shape[1:])
    return x.detach()


def settings_of(function: Callable, args: tuple,
                kwargs: Mapping) -> dict[str, int | str | list[int]]:
    """What an operator of ``iptq`` is given beside tensors, by its names for
    it, and ``interface``, of the kernels that know these names. Beside them a
    node says which of its inputs are constant, and their digest."""
    settings: dict[str, int | str | list[int]] = {}
    for i, argument in enumerate(function._schema.arguments):
        value = args[i] if i < len(args) else kwargs.get(
            argument.name, argument.default_value)
        if isinstance(value, (bool, int)):
            settings[argument.name] = int(value)
        elif isinstance(value, str):
            settings[argument.name] = value
        elif isinstance(value, (list, tuple)) and not any(
                isinstance(one, Tensor) for one in value):
            settings[argument.name] = [*map(int, value)]
    return dict(settings, interface=INTERFACE)


def opset_imports(opset: int, functions: bool) -> list:
    """Versions of the domains that a graph uses."""
    imports = [helper.make_opsetid('', opset)]
    return imports + [helper.make_opsetid(DOMAIN, 1)] * functions


def literal(graph: Graph, tensor: Tensor) -> Value:
    """The Value of a constant in the code of a reference."""
    return Value(
        graph.constant(tensor.numpy(), tensor.dtype), tensor.dtype,
        tensor.dtype, tensor.dim())


@contextmanager
def module_paths(modules: Mapping[str, nn.Module],
                 graph: Graph) -> Iterator[None]:
    """While the context lasts, new nodes are named after the submodule that
    runs.

    Args:
        modules (Mapping[str, nn.Module]): By what names begin with.
        graph (Graph): Where nodes go.
    """
    path, handles = [''], []

    def enter(name: str) -> None:
        path.append(name)
        graph.path = name

    def leave() -> None:
        path.pop()
        graph.path = path[-1]

    for prefix, module in modules.items():
        for name, child in module.named_modules(prefix=prefix):
            handles += [
                child.register_forward_pre_hook(
                    lambda *_, name=name: enter(name)),
                child.register_forward_hook(
                    lambda *_: leave(), always_call=True)
            ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
