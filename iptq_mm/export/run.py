"""What ``tools/export.py`` does: load, write, describe, compare."""
from __future__ import annotations

from pathlib import Path

from onnx import ModelProto
from rich.console import Console
from rich.progress import Progress
from torch import nn

from ..engine.artifact.load import load
from ..engine.errors import UserError
from ..engine.inputs.preflight import check_folder
from .check.agreement import compare_file
from .check.checker import check_integer
from .check.size import float_bytes
from .exporter import to_onnx
from .external import data_path
from .library import has_onnxruntime_library
from .region import Region, region_of

REFERENCED = 20
"""So many images are compared with the references too, which are slow."""


def run_export(config: str, checkpoint: str | None, out: Path, dynamic: bool,
               size: tuple[int, int] | None, opset: int,
               external_data: bool, check: list[str] | None, num_images: int,
               batch_size: int) -> bool:
    """Write a saved model as an ONNX file.

    Args:
        config (str): ``int_config.py``.
        checkpoint (str | None): Instead of the file beside the config.
        out (Path): The file to write.
        dynamic (bool): Leave a detector's image size free, and the batch.
        size (tuple[int, int] | None): Height and width of a detector's
            images.
        opset (int): Version of ONNX's operators.
        external_data (bool): Write the weights to a file of their own.
        check (list[str] | None): Image files or folders to compare on; those
            of the config if empty; None to compare nothing.
        num_images (int): Compare at most so many.
        batch_size (int): Compare so many at once.

    Returns:
        bool: Whether all that was compared is equal.

    Raises:
        UserError: For input that cannot be worked with.
    """
    check_folder(out.parent, '--out')
    if batch_size > 1 and not dynamic:
        raise UserError('--batch-size needs --dynamic.')
    console = Console()
    model = load(config, checkpoint)
    file = to_onnx(model, out, size, dynamic, opset, external_data)
    _show_file(console, region_of(model), out, file, external_data)
    if check is None:
        return True
    return _compare(console, model, file, check, num_images, batch_size)


def _show_file(console: Console, region: Region, path: Path,
               file: ModelProto, apart: bool) -> None:
    """What was written, and what it is made of."""
    graph = check_integer(file)
    size = path.stat().st_size
    if apart:
        size += data_path(path).stat().st_size
    weights = float_bytes(region)
    console.print(
        f'{path}: {region.name}, {size:,} bytes, {size / weights:.2f} of its '
        f'{weights:,} bytes of float32 weights\n'
        f'  {graph.operators.total()} integer operators: ' +
        ', '.join(f'{name} {count}'
                  for name, count in graph.operators.most_common()) +
        f'\n  on tensors of {", ".join(sorted(graph.types))}',
        soft_wrap=True, highlight=False, markup=False)


def _compare(console: Console, model: nn.Module, file: ModelProto,
             sources: list[str], num_images: int, batch_size: int) -> bool:
    """Image by image; True if all are equal."""
    with Progress(console=console) as bars:
        task = bars.add_task('comparing', total=num_images)
        agreement = compare_file(
            model, file, sources, num_images, batch_size, REFERENCED,
            lambda done: bars.update(task, completed=done))
        bars.update(task, total=agreement.images)
    if agreement.accuracy is not None:
        console.print(f'top-1: file {agreement.accuracy[0]:.2f} %, PyTorch '
                      f'{agreement.accuracy[1]:.2f} %')
    console.print(f'{agreement.referenced} of {agreement.images} images also '
                  f'compared with the references')
    if agreement.difference is not None:
        console.print(f'first difference: {agreement.difference}',
                      soft_wrap=True)
    console.print('in ONNX Runtime ' + (
        'without and with the library of kernels' if has_onnxruntime_library()
        else 'without the library of kernels, which was not built'))
    console.print(
        f'{agreement.equal} of {agreement.images} images equal',
        highlight=False)
    return agreement.equal == agreement.images
