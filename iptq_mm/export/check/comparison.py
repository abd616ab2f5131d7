"""A file in ONNX Runtime beside its model in PyTorch."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import onnxruntime
import torch
from onnx import ModelProto
from torch import Tensor

from ...compat import zip_strict
from ...engine.errors import UserError
from ...guard import IntegerOnly
from ..exporter import export_region
from ..library import has_onnxruntime_library, onnxruntime_library
from ..region import Region
from .runtime import Session, with_outputs


@dataclass(frozen=True)
class Compared:
    """How the file did on an image or batch.

    Args:
        result (Any): What the model in PyTorch gave.
        outputs (tuple[Tensor, ...]): What the file gave.
        difference (str | None): The first node that differs in any bit; None
            if there is none.
    """
    result: Any
    outputs: tuple[Tensor, ...]
    difference: str | None


class Comparer:
    """Sees what the integer part of a model is given, and gives it to the
    file, too, as long as the context lasts: by its own functions and, if
    there is one, with the library of kernels.

    Args:
        region (Region): The part.
        file (ModelProto): What was exported of it.
    """

    def __init__(self, region: Region, file: ModelProto):
        self._region, self._file = region, file
        self._functions = Session(file)
        self._kernels: Session | None = None
        self._calls: list[tuple] = []

    def __enter__(self) -> Comparer:
        self._end = self._region.watch(
            lambda inputs, outputs: self._calls.append((inputs, outputs)))
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._end()

    @torch.no_grad()
    def compare(self, run: Callable[[], Any], references: bool) -> Compared:
        """Run the model, and each call of its part again.

        Args:
            run (Callable): Runs the model.
            references (bool): Whether the part runs once more with the
                references in the place of native kernels.

        Raises:
            UserError: If the file does not take the size of the images.
        """
        self._calls.clear()
        result = run()
        for inputs, outputs in list(self._calls):
            given = self._run(self._functions, inputs)
            if not _same(given, outputs):
                return Compared(result, given, self._difference(inputs))
            if has_onnxruntime_library() and not _same(
                    self._run(self._with_kernels(), inputs), outputs):
                return Compared(result, given, 'ONNX Runtime with the library '
                                'of kernels')
            if references and not _same(
                    _by_references(self._region, inputs), outputs):
                return Compared(result, given, 'the native kernels and their '
                                'references')
        return Compared(result, given, None)

    def _with_kernels(self) -> Session:
        """Made when the functions have given what they should: the library
        refuses a file that was changed, and does not say where."""
        if self._kernels is None:
            self._kernels = Session(
                self._file, library=onnxruntime_library())
        return self._kernels

    def _run(self, session: Session,
             inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        try:
            return session(*inputs)
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument:
            shape = 'x'.join(map(str, inputs[0].shape))
            raise UserError(
                f'the file does not take a {shape} input: export with '
                f'--dynamic, or with the --size of these images and '
                f'--batch-size 1.') from None

    def _difference(self, inputs: tuple[Tensor, ...]) -> str:
        """The first node whose value differs."""
        opset = next(entry.version for entry in self._file.opset_import
                     if not entry.domain)
        steps = export_region(self._region, inputs, True, opset).steps
        values = Session(with_outputs(self._file, steps))(*inputs)
        for (name, expected), value in zip(steps.items(), values):
            if value.shape != expected.shape or not torch.equal(
                    value, expected):
                return name
        return self._region.outputs[0].name


def _same(xs: Sequence[Tensor], ys: Sequence[Tensor]) -> bool:
    return all(
        x.dtype == y.dtype and torch.equal(x, y)
        for x, y in zip_strict(xs, ys))


def _by_references(region: Region,
                   inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    with IntegerOnly():
        return region(*inputs)
