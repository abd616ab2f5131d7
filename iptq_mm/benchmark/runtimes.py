"""What runs a model: this project, torch, and what else a user may pick.

A runtime first makes a file of the float model (``save``), then runs that
file (``load``), so that a process of its own can measure its memory.
"""
from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from ..compat import export_traced
from ..engine.artifact.freeze import freeze
from ..engine.errors import UserError
from ..ops import native
from .integer import integer_model
from .models import Detection

Run = Callable[[Tensor], object]


@dataclass(frozen=True)
class Runtime:
    """
    Args:
        save: (model, images [B, 3, H, W], path) -> None; writes the file.
            Quantizing runtimes calibrate on the images.
        load: (path, threads) -> what maps images to results.
        packages: Distributions beyond this project's own.
    """
    save: Callable[[nn.Module, Tensor, Path], None]
    load: Callable[[Path, int], Run]
    packages: tuple[str, ...] = field(default=())

    def check(self) -> None:
        """
        Raises:
            UserError: If a package is not installed.
        """
        for package in self.packages:
            _need(package)


def _need(package: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise UserError(
            f'this runtime needs {package}: install the extra "peers" of '
            f'iptq-mm, or {package} itself ({error})') from error


def _save_integer(bits: dict[str, int]):

    def save(model: nn.Module, images: Tensor, path: Path) -> None:
        torch.save(integer_model(model, images, bits), path)

    return save


def _save_torch(model: nn.Module, images: Tensor, path: Path) -> None:
    torch.save(model, path)


def _load_torch(path: Path, threads: int) -> Run:
    torch.set_num_threads(threads)
    return torch.load(path, weights_only=False)


def _load_integer(path: Path, threads: int) -> Run:
    model = _load_torch(path, threads)
    if isinstance(model, Detection) or not native.available():
        return model
    return freeze(model)


def _load_compiled(path: Path, threads: int) -> Run:
    return torch.compile(_load_torch(path, threads))


def _refuse_detector(model: nn.Module) -> None:
    if isinstance(model, Detection):
        raise UserError('a whole detector runs in torch and, as integers, in '
                        'ONNX Runtime: compare with --vs torch,ort-iptq, or '
                        'its backbone, swin_t, with the others')


def _save_onnx(model: nn.Module, images: Tensor, path: Path) -> None:
    _refuse_detector(model)
    with torch.no_grad():
        export_traced(model, (images, ), path, input_names=['images'],
                      opset_version=17)


def _save_onnx_int8(model: nn.Module, images: Tensor, path: Path) -> None:
    """Static quantization as ONNX Runtime's guide has it: QDQ, int8 weights
    per channel, uint8 activations."""
    _need('onnxruntime')
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process
    batches = iter([dict(images=images.numpy())])

    class Reader(quantization.CalibrationDataReader):

        def get_next(self):
            return next(batches, None)

    source = path.with_suffix('.float.onnx')
    _save_onnx(model, images, source)
    quant_pre_process(str(source), str(source), skip_symbolic_shape=True)
    logging.disable(logging.WARNING)  # one for each weight of one axis
    try:
        quantization.quantize_static(
            str(source), str(path), Reader(), per_channel=True,
            quant_format=quantization.QuantFormat.QDQ)
    finally:
        logging.disable(logging.NOTSET)


def _save_integer_onnx(model: nn.Module, images: Tensor, path: Path) -> None:
    """W8A8 as ``tools/export.py`` writes it."""
    _need('onnx')
    from ..export import to_onnx
    integer = integer_model(model, images, {})
    if isinstance(integer, Detection):
        integer = integer.detector
    to_onnx(integer, path, tuple(images.shape[2:]), dynamic=len(images) > 1)


def _load_with_library(path: Path, threads: int) -> Run:
    from ..export import onnxruntime_library
    return _load_integer_onnx(path, threads, onnxruntime_library())


def _load_integer_onnx(path: Path, threads: int,
                       library: Path | None = None) -> Run:
    session = _session(path, threads, library)
    port = json.loads(
        session.get_modelmeta().custom_metadata_map['iptq_mm'])['inputs'][0]

    def run(images: Tensor) -> list[np.ndarray]:
        # As nn.Quantize computes it.
        steps = images.numpy() * np.float32(1 / port['scale'])
        codes = np.floor(steps + np.float32(0.5))
        return session.run(
            None, {port['name']: np.clip(codes, -127, 127).astype(np.int8)})

    return run


def _load_onnxruntime(path: Path, threads: int) -> Run:
    session = _session(path, threads)
    return lambda images: session.run(None, dict(images=images.numpy()))


def _session(path: Path, threads: int, library: Path | None = None):
    onnxruntime = _need('onnxruntime')
    options = onnxruntime.SessionOptions()
    if library is not None:
        options.register_custom_ops_library(str(library))
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    # Its threads would otherwise wait for work in a loop for long.
    options.add_session_config_entry('session.force_spinning_stop', '1')
    return onnxruntime.InferenceSession(
        str(path), options, providers=['CPUExecutionProvider'])


def _save_openvino(model: nn.Module, images: Tensor, path: Path) -> None:
    openvino = _need('openvino')
    source = path.with_suffix('.onnx')
    _save_onnx(model, images, source)
    openvino.save_model(
        openvino.convert_model(source), path, compress_to_fp16=False)


def _save_openvino_int8(model: nn.Module, images: Tensor,
                        path: Path) -> None:
    """NNCF's post-training quantization, in its setting for transformers."""
    openvino, nncf = _need('openvino'), _need('nncf')
    source = path.with_suffix('.onnx')
    _save_onnx(model, images, source)
    openvino.save_model(
        nncf.quantize(
            openvino.convert_model(source), nncf.Dataset([images.numpy()]),
            model_type=nncf.ModelType.TRANSFORMER), path)


def _load_openvino(path: Path, threads: int) -> Run:
    compiled = _need('openvino').Core().compile_model(
        path, 'CPU', dict(
            INFERENCE_NUM_THREADS=threads,
            PERFORMANCE_HINT='LATENCY',
            INFERENCE_PRECISION_HINT='f32'))
    return lambda images: compiled(images.numpy())


RUNTIMES: dict[str, Runtime] = {
    'iptq-w8a8': Runtime(_save_integer(dict(weight=8)), _load_integer),
    'iptq-w6a8': Runtime(_save_integer(dict(weight=6)), _load_integer),
    'iptq-w4a8': Runtime(_save_integer(dict(weight=4)), _load_integer),
    'torch': Runtime(_save_torch, _load_torch),
    'compile': Runtime(_save_torch, _load_compiled),
    'ort': Runtime(_save_onnx, _load_onnxruntime, ('onnx', 'onnxruntime')),
    'ort-int8': Runtime(_save_onnx_int8, _load_onnxruntime,
                        ('onnx', 'onnxruntime')),
    'ort-iptq': Runtime(_save_integer_onnx, _load_with_library,
                        ('onnx', 'onnxruntime')),
    'ort-iptq-functions': Runtime(_save_integer_onnx, _load_integer_onnx,
                                  ('onnx', 'onnxruntime')),
    'openvino': Runtime(_save_openvino, _load_openvino, ('onnx', 'openvino')),
    'openvino-int8': Runtime(_save_openvino_int8, _load_openvino,
                             ('onnx', 'openvino', 'nncf')),
}

OURS = ('iptq-w8a8', 'iptq-w6a8', 'iptq-w4a8')

SUFFIXES = {'torch': '.pt', 'compile': '.pt', 'iptq': '.pt', 'ort': '.onnx',
            'openvino': '.xml'}


def file_name(runtime: str) -> str:
    """Name of the file of a runtime; its ending is the one it asks for."""
    return runtime + SUFFIXES[runtime.split('-')[0]]
