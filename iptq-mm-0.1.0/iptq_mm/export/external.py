"""Weights in a file of their own, beside the model.

A runtime maps such a file into memory and reads of it what it needs, where it
copies what lies in the model itself. The kernels pack their weights, and what
is mapped need not stay: then they are in memory once.
"""
from pathlib import Path

from onnx import ModelProto
from onnx.external_data_helper import set_external_data

from ..engine.atomic import atomic_file

PAGE = 4096
"""Where a tensor begins: only whole pages are mapped."""


def data_path(path: Path) -> Path:
    """``model.onnx.data`` of ``model.onnx``."""
    return path.with_name(f'{path.name}.data')


def save_apart(proto: ModelProto, path: Path) -> None:
    """Write a model whose tensors of a page or more lie beside it.

    Args:
        proto (ModelProto): With all of its tensors; stays as it is.
        path (Path): ``model.onnx``; the tensors go to :func:`data_path`.

    Raises:
        UserError: If a file cannot be written.
    """
    model, data = ModelProto(), data_path(path)
    model.CopyFrom(proto)
    with atomic_file(path) as model_file, atomic_file(data) as data_file:
        with data_file.open('wb') as file:
            for tensor in model.graph.initializer:
                size = len(tensor.raw_data)
                if size < PAGE:
                    continue
                file.write(bytes(-file.tell() % PAGE))
                set_external_data(tensor, data.name, file.tell(), size)
                file.write(tensor.raw_data)
                tensor.ClearField('raw_data')
        model_file.write_bytes(model.SerializeToString())
