"""Where a measurement was taken."""
from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from ..ops import native

PACKAGES = ('torch', 'onnx', 'onnxruntime', 'openvino', 'nncf')


def _processor() -> str:
    """Model name and, where the kernel tells, family and model numbers."""
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor()
    fields = dict(
        (part.strip() for part in line.split(':', 1)) for line in lines
        if ':' in line)
    name = fields.get('model name', platform.machine())
    if 'cpu family' not in fields:
        return name
    return f'{name} (family {fields["cpu family"]}, model {fields["model"]})'


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def machine() -> dict:
    """Processor, its cores, the kernels' instruction set, versions of the
    packages, and the load of the last minute."""
    return dict(
        cpu=_processor(),
        cores=os.cpu_count(),
        isa=native.isa() if native.available() else None,
        versions={
            package: version
            for package in PACKAGES if (version := _version(package))
        },
        load=os.getloadavg()[0])
