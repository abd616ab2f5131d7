"""ONNX Runtime as it runs on a CPU with AVX2 and nothing newer.

It has no switch for that: it asks the CPU. So a copy of its library is loaded
in which ``cpuid.c`` answers instead.
"""
from __future__ import annotations

import ctypes
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ...engine.errors import UserError

MODULE = 'onnxruntime.capi.onnxruntime_pybind11_state'
CPUID, UD2 = b'\x0f\xa2', b'\x0f\x0b'


def hold_onnxruntime_to_avx2() -> None:
    """Load ONNX Runtime so that it takes this CPU for one without AVX-512,
    VNNI and AMX; what imports it later gets that one. A second call does
    nothing.

    Needs a C compiler and ``objdump``, and a CPU with AVX2.

    Raises:
        UserError: If one of these is missing, ONNX Runtime is not installed,
            or this process has it loaded already.
    """
    if getattr(sys.modules.get(MODULE), 'held_to_avx2', False):
        return
    if MODULE in sys.modules:
        raise UserError('ONNX Runtime is loaded already and has chosen its '
                        'kernels: hold it to AVX2 in a new process')
    library = _library()
    with tempfile.TemporaryDirectory() as folder:
        handler = Path(folder) / 'cpuid.so'
        _output_of('cc', '-shared', '-fPIC', '-O1',
                   Path(__file__).with_name('cpuid.c'), '-o', handler)
        if ctypes.CDLL(str(handler)).iptq_answer_cpuid():
            raise UserError('this system lets nothing answer SIGILL')
        copy = Path(folder) / library.name
        copy.write_bytes(_without_cpuid(library))
        for beside in library.parent.glob('lib*.so*'):
            (Path(folder) / beside.name).symlink_to(beside)
        spec = importlib.util.spec_from_file_location(MODULE, copy)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    module.held_to_avx2 = True
    sys.modules[MODULE] = module


def _library() -> Path:
    spec = importlib.util.find_spec('onnxruntime')
    if spec is None:
        raise UserError('there is no ONNX Runtime to hold to AVX2: install '
                        'onnxruntime')
    folder = Path(spec.origin).parent / 'capi'
    return next(folder.glob(f'{MODULE.split(".")[-1]}*.so'))


def _without_cpuid(library: Path) -> bytes:
    """The library's bytes, with UD2 in place of each CPUID instruction."""
    content = bytearray(library.read_bytes())
    shift = _file_offset_of_text(library)
    listing = _output_of('objdump', '--disassemble', '--section=.text',
                         '--no-show-raw-insn', library)
    for address in re.findall(r'^\s*([0-9a-f]+):\s+cpuid\b', listing, re.M):
        at = int(address, 16) + shift
        if content[at:at + 2] != CPUID:
            raise UserError(f'{library}: no CPUID at {at:#x}, where objdump '
                            'has one')
        content[at:at + 2] = UD2
    return bytes(content)


def _file_offset_of_text(library: Path) -> int:
    """What to add to an address in ``.text`` for its place in the file."""
    headers = _output_of('objdump', '--section-headers', library)
    address, offset = re.search(
        r'\.text\s+[0-9a-f]+\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)',
        headers).groups()
    return int(offset, 16) - int(address, 16)


def _output_of(*command: str | Path) -> str:
    try:
        return subprocess.run(
            [str(part) for part in command], check=True, capture_output=True,
            text=True).stdout
    except FileNotFoundError as error:
        raise UserError(f'holding ONNX Runtime to AVX2 needs {command[0]}: '
                        'install a C compiler and binutils') from error
    except subprocess.CalledProcessError as error:
        raise UserError(f'{command[0]} failed: {error.stderr}') from error
