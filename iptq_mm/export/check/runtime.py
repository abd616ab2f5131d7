"""Files in ONNX Runtime."""
from __future__ import annotations

from pathlib import Path

import onnx
import onnxruntime
import torch
from onnx import ModelProto
from torch import Tensor

from ...compat import zip_strict
from ..graph.types import element_type


class Session:
    """A model in ONNX Runtime on the CPU.

    Args:
        model (ModelProto | str): The model, or its file.
        threads (int): Of one operator; 0 for all processors.
        library (Path, optional): Its kernels run in the place of functions of
            the file. Defaults to None.
    """

    def __init__(self, model: ModelProto | str, threads: int = 0,
                 library: Path | None = None):
        options = onnxruntime.SessionOptions()
        if library is not None:
            options.register_custom_ops_library(str(library))
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        content = model if isinstance(
            model, str) else model.SerializeToString()
        self._session = onnxruntime.InferenceSession(
            content, options, providers=['CPUExecutionProvider'])
        self._inputs = [
            entry.name
            for entry in (*self._session.get_inputs(),
                          *self._session.get_overridable_initializers())
        ]

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Integers in, integers out, in the order of the graph."""
        feeds = {
            name: tensor.numpy()
            for name, tensor in zip_strict(self._inputs, inputs)
        }
        return tuple(
            torch.from_numpy(array)
            for array in self._session.run(None, feeds))


def with_outputs(model: ModelProto, values: dict[str, Tensor]) -> ModelProto:
    """A model that gives inner values instead of its outputs.

    Args:
        model (ModelProto): Stays as it is.
        values (dict[str, Tensor]): Their names, and tensors of their types.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.output[:]
    result.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, element_type(tensor.dtype),
                                           [None] * tensor.dim())
        for name, tensor in values.items())
    return result
