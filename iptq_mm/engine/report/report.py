"""Sizes, versions and strict JSON, for ``ptq_report.json``."""
from __future__ import annotations

import json
import math
import platform
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mmengine
import numpy
import torch
from torch import Tensor

from ...environment import has_mmdet
from ..atomic import atomic_file
from ..errors import UserError


def size_bytes(weights: Mapping[str, Tensor]) -> int:
    """Bytes of all tensors of a state dict, as they are stored: float32
    weights and tables of a float backbone; int8 weights (two to a byte where
    they have 4 bits), int32 biases, multipliers and parameters of an integer
    one."""
    return sum(tensor.nbytes for tensor in weights.values())


def peak_memory_mb() -> float:
    """Most main memory that this process has held so far, in MB (10^6)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def versions() -> dict[str, str]:
    """Versions of everything that a number in the report depends on."""
    from ... import __version__  # set after this module was imported
    detection = {}
    if has_mmdet():
        import mmcv
        import mmdet
        detection = dict(mmcv=mmcv.__version__, mmdet=mmdet.__version__)
    return dict(
        python=platform.python_version(),
        torch=str(torch.__version__),  # it is a subclass of str
        numpy=numpy.__version__,
        mmengine=mmengine.__version__,
        **detection,
        iptq_mm=__version__)


def _plain(value: Any) -> Any:
    """As JSON knows it: no tuples, no numpy, no NaN and no infinity."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, numpy.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def save_json(path: str | Path,
              content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write JSON, whole or not at all. A value that is not finite
    becomes null.

    Raises:
        UserError: If the file cannot be written.
    """
    text = json.dumps(_plain(content), indent=2, allow_nan=False)
    with atomic_file(path) as temporary:
        temporary.write_text(text + '\n')


def read_json(path: str | Path, key: str) -> dict[str, Any]:
    """What :func:`save_json` has written under a key; nothing where there is
    no file yet.

    Raises:
        UserError: If the file is something else.
    """
    if not Path(path).exists():
        return {}
    try:
        return json.loads(Path(path).read_text())[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f'{path} holds no {key}: move it away') from error


def read_report(folder: Path) -> dict[str, Any]:
    """``ptq_report.json`` of a work dir.

    Raises:
        UserError: If there is none, or it cannot be read.
    """
    try:
        return json.loads((folder / 'ptq_report.json').read_text())
    except (OSError, ValueError) as error:
        raise UserError(
            f'{folder} holds no ptq_report.json that can be read. Run '
            f'tools/ptq.py --work-dir {folder}.') from error


def widths(report: Mapping[str, Any]) -> str:
    """E.g. ``W8A8``, or ``W4/8A8`` of layers of either width."""
    own = sorted(set(report['weight_bits'].values()))
    weight = '/'.join(map(str, own)) or report['bits']['weight']
    return f'W{weight}A{report["bits"]["activation"]}'
