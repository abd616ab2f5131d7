"""The tensors of a model as they lie in the file."""
from collections.abc import Mapping

import numpy as np
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from ...nn.packed import (
    GROUP,
    codes_and_steps,
    pack_int4,
    planes,
    stored_bits,
)
from .graph import Graph, Value
from .types import element_type

INT4_OPSET = 21
"""Since which version of its operators ONNX has 4-bit integers."""


class Initializers:
    """Gives a buffer its name and stores it; equal buffers are stored once.

    A weight whose codes fit 4 bits or 6 is stored in these, and widened in
    the graph.

    Args:
        modules (Mapping[str, nn.Module]): What is exported, by what the
            names begin with.

    Attributes:
        tensors (list[TensorProto]): Those that were asked for.
    """

    def __init__(self, modules: Mapping[str, nn.Module]):
        self.tensors: list[TensorProto] = []
        self._names = {
            id(buffer): f'{prefix}.{name}' if prefix else name
            for prefix, module in modules.items()
            for name, buffer in module.named_buffers()
        }
        self._stored: dict[tuple, str] = {}

    def __call__(self, graph: Graph, tensor: Tensor) -> Value:
        """The Value of a buffer, or of a constant of the code."""
        stem = self._names.get(id(tensor)) or graph.name('constant')
        array = tensor.numpy()
        key = (tensor.dtype, tensor.shape, array.tobytes())
        if key not in self._stored:
            self._stored[key] = self._store(graph, stem, tensor)
        return Value(self._stored[key], tensor.dtype, tensor.dtype,
                     tensor.dim())

    def _store(self, graph: Graph, name: str, tensor: Tensor) -> str:
        bits = stored_bits(tensor) if name.endswith('.weight') else 8
        if bits == 4:
            return self._store_codes(graph, name, tensor)
        if bits == 6 and tensor.shape[1] % 4 == 0:
            return self._store_planes(graph, name, tensor)
        self._add(name, element_type(tensor.dtype), tensor.shape,
                  tensor.numpy())
        return name

    def _store_codes(self, graph: Graph, name: str, weight: Tensor) -> str:
        """Codes of 4 bits, and the steps of their groups where these are not
        all 1."""
        codes, steps = codes_and_steps(weight)
        if int(steps.max()) == 1 or -8 <= weight.min() <= weight.max() <= 7:
            return self._widened(graph, f'{name}.int4', weight,
                                 TensorProto.INT8)
        if weight.shape[1] % GROUP:
            self._add(name, TensorProto.INT8, weight.shape, weight.numpy())
            return name
        wide = self._widened(graph, f'{name}.int4',
                             codes.unflatten(1, (-1, GROUP)),
                             TensorProto.INT32)
        self._add(f'{name}.steps', TensorProto.INT32, (*steps.shape, 1),
                  steps.int().numpy())
        self._add(f'{name}.shape', TensorProto.INT64, (2, ),
                  np.array(weight.shape))
        product = graph.emit('Mul', wide, f'{name}.steps')
        flat = graph.emit('Reshape', product, f'{name}.shape')
        return graph.emit('Cast', flat, to=TensorProto.INT8)

    def _store_planes(self, graph: Graph, name: str, weight: Tensor) -> str:
        """Its lower four bits, two to a byte, and its upper two, four to a
        byte, which shifts take apart."""
        shape = graph.constant(list(weight.shape))
        wide = []
        for plane, bits, which in zip(planes(weight), (4, 2),
                                      ('lower', 'upper'), strict=True):
            self._add(f'{name}.{which}', TensorProto.UINT8,
                      (*plane.shape, 1), plane.numpy())
            shifts = graph.constant(list(range(0, 8, bits)), torch.uint8)
            mask = graph.constant(np.array((1 << bits) - 1), torch.uint8)
            parts = graph.emit('BitShift', f'{name}.{which}', shifts,
                               direction='RIGHT')
            part = graph.emit('BitwiseAnd', parts, mask)
            wide.append(graph.emit(
                'Cast', graph.emit('Reshape', part, shape),
                to=TensorProto.INT32))
        lower, upper = wide
        sign = graph.constant(np.array(2), torch.int32)
        upper = graph.emit('Sub', graph.emit('BitwiseXor', upper, sign), sign)
        whole = graph.emit(
            'Add', lower, graph.emit(
                'Mul', upper, graph.constant(np.array(16), torch.int32)))
        return graph.emit('Cast', whole, to=TensorProto.INT8)

    def _widened(self, graph: Graph, name: str, codes: Tensor,
                 to: int) -> str:
        self._add(name, TensorProto.INT4, codes.shape,
                  pack_int4(codes.flatten()).numpy())
        return graph.emit('Cast', name, to=to)

    def _add(self, name: str, kind: int, shape: torch.Size,
             array: np.ndarray) -> None:
        self.tensors.append(
            helper.make_tensor(name, kind, shape, array.tobytes(), raw=True))

