"""The tensors of a model as they lie in the file."""
from collections.abc import Mapping

import numpy as np
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from ...nn.int4 import pack_int4
from .graph import Graph, Value
from .types import element_type

INT4_OPSET = 21
"""Since which version of its operators ONNX has 4-bit integers."""


class Initializers:
    """Gives a buffer its name and stores it; equal buffers are stored once.

    A weight whose values fit 4 bits is stored in 4, two to a byte, and
    widened in the graph.

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
        if name.endswith('.weight') and _fits_4_bits(tensor):
            packed = pack_int4(tensor.flatten()).numpy()
            self._add(f'{name}.int4', TensorProto.INT4, tensor.shape, packed)
            value = graph.emit(
                'Cast', f'{name}.int4', to=element_type(tensor.dtype))
            return value
        self._add(name, element_type(tensor.dtype), tensor.shape,
                  tensor.numpy())
        return name

    def _add(self, name: str, kind: int, shape: torch.Size,
             array: np.ndarray) -> None:
        self.tensors.append(
            helper.make_tensor(name, kind, shape, array.tobytes(), raw=True))


def _fits_4_bits(weight: Tensor) -> bool:
    return (weight.dtype == torch.int8 and weight.numel() > 0
            and -8 <= weight.min() and weight.max() <= 7)
