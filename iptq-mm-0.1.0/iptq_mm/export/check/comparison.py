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
from ..region import Region, watch
from .runtime import Session, with_outputs


@dataclass(frozen=True)
class Compared:
    """How the files did on an image or batch.

    Args:
        result (Any): What the model in PyTorch gave.
        outputs (tuple[Tensor, ...]): What the file gave in the last call of
            the first part.
        difference (str | None): The first node, with its part, that differs
            in any bit; None if there is none.
    """
    result: Any
    outputs: tuple[Tensor, ...]
    difference: str | None


class Comparer:
    """Sees what the integer parts of a model are given, and gives it to the
    files, too, as long as the context lasts: by their own functions and, if
    there is one, with the library of kernels.

    Args:
        regions (Sequence[Region]): The parts.
        files (Sequence[ModelProto]): What was exported of each.
    """

    def __init__(self, regions: Sequence[Region],
                 files: Sequence[ModelProto]):
        self._regions, self._files = list(regions), list(files)
        self._sessions = [Session(file) for file in self._files]
        self._fast: dict[int, Session] = {}
        self._calls: list[tuple] = []
        self._ends: list[Callable] = []

    def __enter__(self) -> 'Comparer':
        self._ends = [
            watch(region, lambda inputs, outputs, i=i: self._calls.append(
                (i, inputs, outputs)))
            for i, region in enumerate(self._regions)
        ]
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        for end in self._ends:
            end()

    @torch.no_grad()
    def compare(self, run: Callable[[], Any], references: bool) -> Compared:
        """Run the model, and each call of its parts again.

        Args:
            run (Callable): Runs the model.
            references (bool): Whether the parts run once more with the
                references in the place of native kernels.

        Raises:
            UserError: If a file does not take the size of the images.
        """
        self._calls.clear()
        result = run()
        calls, first = list(self._calls), ()
        for i, inputs, outputs in calls:
            given = self._run(self._sessions[i], i, inputs)
            if i == 0:
                first = given
            if not _same(given, outputs):
                return Compared(result, first, self._difference(i, inputs))
            if has_onnxruntime_library() and not _same(
                    self._run(self._with_kernels(i), i, inputs), outputs):
                return Compared(
                    result, first, f'{self._regions[i].name}: ONNX Runtime '
                    f'with the library of kernels')
            if references and not _same(
                    _by_references(self._regions[i], inputs), outputs):
                return Compared(
                    result, first, f'{self._regions[i].name}: the native '
                    f'kernels and their references')
        return Compared(result, first, None)

    def _with_kernels(self, i: int) -> Session:
        """Made when the functions have given what they should: the library
        refuses a file that was changed, and does not say where."""
        if i not in self._fast:
            self._fast[i] = Session(
                self._files[i], library=onnxruntime_library())
        return self._fast[i]

    def _run(self, session: Session, i: int,
             inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        try:
            return session(*inputs)
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument:
            shape = 'x'.join(map(str, inputs[0].shape))
            raise UserError(
                f'the file of {self._regions[i].name} does not take a '
                f'{shape} input: export with --dynamic, or with the --size '
                f'of these images and --batch-size 1.') from None

    def _difference(self, i: int, inputs: tuple[Tensor, ...]) -> str:
        """The first node whose value differs."""
        region, file = self._regions[i], self._files[i]
        opset = next(entry.version for entry in file.opset_import
                     if not entry.domain)
        steps = export_region(region, inputs, True, opset).steps
        values = Session(with_outputs(file, steps))(*inputs)
        for (name, expected), value in zip(steps.items(), values):
            if not torch.equal(value, expected):
                return f'{region.name}: {name}'
        return f'{region.name}: {region.outputs[0].name}'


def _same(xs: Sequence[Tensor], ys: Sequence[Tensor]) -> bool:
    return all(
        x.dtype == y.dtype and torch.equal(x, y)
        for x, y in zip_strict(xs, ys))


def _by_references(region: Region,
                   inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    with IntegerOnly():
        return region(*inputs)
