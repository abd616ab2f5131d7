"""From an integer part of a model to an ONNX model."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from onnx import ModelProto, ValueInfoProto, helper, numpy_helper
from torch import Tensor, nn

from ..compat import zip_strict
from ..engine.atomic import atomic_file
from ..engine.errors import UserError
from . import metadata
from .check.checker import check_integer
from .external import save_apart
from .graph.initializers import INT4_OPSET, Initializers
from .graph.tracer import Tracer, module_paths, opset_imports
from .graph.types import element_type
from .port import Port
from .region import Region, region_of

DEFAULT_OPSET = 21
LOWEST_OPSET = 18
"""The first with ``BitwiseXor`` and axes as inputs of reductions."""

_AXES = dict(N='batch', H='height', W='width', D='detections',
             Y='original_height', X='original_width')


@dataclass(frozen=True)
class Exported:
    """A traced part.

    Args:
        model (ModelProto): The graph.
        steps (dict[str, Tensor]): What each layer gave in the traced run, by
            its name in the graph.
    """
    model: ModelProto
    steps: dict[str, Tensor]


def export_region(region: Region, inputs: tuple[Tensor, ...],
                  dynamic: bool, opset: int) -> Exported:
    """Trace a part.

    Args:
        region (Region): The part.
        inputs (tuple[Tensor, ...]): What to show to it: integers.
        dynamic (bool): Whether the batch (of a detector: always 1), and
            height and width of images (of a network for one size: never) are
            free in the file.
        opset (int): Version of ONNX's operators, at least 18.

    Raises:
        UserError: If the weights need a newer version.
    """
    initializers = Initializers(region.modules)
    tracer = Tracer(opset, initializers)
    for port, tensor in zip_strict(region.inputs, inputs):
        tracer.bind(tensor, port.name)
    with torch.no_grad(), module_paths(region.modules, tracer.graph), tracer:
        results = region(*inputs)
    nodes = tracer.graph.nodes
    for port, result in zip_strict(region.outputs, results):
        nodes.append(
            helper.make_node('Identity', [tracer.output(result)],
                             [port.name], name=port.name))
    if opset < INT4_OPSET and any(
            tensor.data_type == onnx.TensorProto.INT4
            for tensor in initializers.tensors):
        raise UserError(f'--opset {opset}: 4-bit weights need at least '
                        f'{INT4_OPSET}.')
    free = region.always_free + (region.free if dynamic else '')
    defaults = [
        numpy_helper.from_array(tensor.numpy() * 0, port.name)
        for port, tensor in zip(region.inputs, inputs) if port.optional
    ]
    graph = helper.make_graph(
        nodes, region.name,
        [_info(*pair, free) for pair in zip(region.inputs, inputs)],
        [_info(*pair, free) for pair in zip(region.outputs, results)],
        initializers.tensors + defaults)
    imports = opset_imports(opset, functions=True)
    model = helper.make_model(
        graph, functions=tracer.finish(), opset_imports=imports,
        ir_version=max(8, helper.find_min_ir_version_for(imports[:1])),
        producer_name='iptq_mm')
    return Exported(model, tracer.steps)


def _info(port: Port, tensor: Tensor, free: str) -> ValueInfoProto:
    """Type and shape of an input or output; the free axes have names, which
    two feature maps of different size do not share."""
    own = dict(H=f'_{port.name}', W=f'_{port.name}')
    return helper.make_tensor_value_info(
        port.name, element_type(tensor.dtype), [
            _AXES[axis] + own.get(axis, '') if axis in free else length
            for axis, length in zip(port.layout, tensor.shape)
        ])


def to_onnx(model: nn.Module,
            path: str | Path,
            size: tuple[int, int] | None = None,
            dynamic: bool = False,
            opset: int = DEFAULT_OPSET,
            external_data: bool = False) -> ModelProto:
    """Write an integer model as an ONNX file.

    A classifier, a whole detector, or the backbone of a detector whose rest
    is float (``scope='backbone'``).

    Args:
        model (nn.Module): As :func:`iptq_mm.load` gives it, or an integer
            network.
        path (str | Path): ``model.onnx``. Its folder must exist.
        size (tuple[int, int], optional): Height and width of the images of a
            detector or backbone; a classifier has its own.
        dynamic (bool): Whether the batch (a detector takes one image), and
            height and width of a detector's or backbone's images, are free.
            Defaults to False: one image, of one size.
        opset (int): Version of ONNX's operators. Defaults to 21.
        external_data (bool): Whether the weights go to a file of their own
            beside it, ``model.onnx.data``, which a runtime maps into memory
            instead of reading it. Defaults to False.

    Returns:
        ModelProto: What is in the file, weights included.

    Raises:
        UserError: If the model has no integer part, or lacks a size; or the
            file cannot be written.
        FloatInGraphError: If the graph had a float tensor.
    """
    if opset < LOWEST_OPSET:
        raise UserError(f'--opset {opset}: shifts and reductions need at '
                        f'least {LOWEST_OPSET}.')
    region, path = region_of(model), Path(path)
    if region.size and size and size != region.size:
        raise UserError(f'--size: this network is for {region.size[0]}x'
                        f'{region.size[1]} images only.')
    if not (region.size or size or dynamic):
        raise UserError('this model takes images of any size: give one by '
                        '--size HxW, or leave all open by --dynamic.')
    proto = export_region(region, region.example(size), dynamic, opset).model
    from .. import __version__
    metadata.write(
        proto,
        metadata.describe(region, model, dict(iptq_mm=__version__)))
    onnx.checker.check_model(proto)
    check_integer(proto)
    if external_data:
        save_apart(proto, path)
    else:
        with atomic_file(path) as temporary:
            onnx.save(proto, temporary)
    return proto
