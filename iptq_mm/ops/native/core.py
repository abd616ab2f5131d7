"""The C library (``iptq_mm/core/include/iptq.h``), loaded."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import (
    CDLL,
    Array,
    Structure,
    byref,
    c_char_p,
    c_int,
    c_int64,
    c_void_p,
    cast,
)
from functools import cache
from pathlib import Path
from threading import RLock, get_ident

import torch

INTERFACE = 4
"""``IPTQ_INTERFACE`` of the header that the calls here are written for."""

_P, _I, _L, _S = c_void_p, c_int, c_int64, c_char_p

FUNCTIONS = dict(
    iptq_linear_create=(_L, _L, _P, _P, _P, _P, _P),
    iptq_linear_run=(_P, _P, _P, _L, _I, _P),
    iptq_linear_add=(_P, _P, _P, _L, _P, _P),
    iptq_linear_wide_create=(_L, _L, _P, _P, _P, _P, _P),
    iptq_linear_wide_run=(_P, _P, _P, _L, _P),
    iptq_gelu_create=(_S, _L, _P, _L, _P, _I, _I, _P),
    iptq_gelu_run=(_P, _P, _P, _L, _P),
    iptq_linear_gelu=(_P, _P, _P, _P, _L, _P),
    iptq_conv2d=(_P, _P, _P, _P, _P, _L, _L, _L, _I, _I, _P),
    iptq_layer_norm_create=(_S, _L, _L, _P, _I, _P),
    iptq_layer_norm_run=(_P, _P, _P, _L, _P),
    iptq_merge_layer_norm=(_P, _P, _P, _P, _L, _P),
    iptq_attention_create=(_L, _L, _P, _S, _L, _P, _P, _I, _P),
    iptq_attention_run=(_P, _P, _P, _L, _L, _P),
    iptq_window_attention=(_P, _P, _P, _P, _P, _L, _L, _P, _I, _P),
    iptq_block_run=(_P, _I, _P, _P, _L, _L, _P),
    iptq_window_block_run=(_P, _I, _P, _P, _P, _P, _L, _L, _P, _I, _P),
    iptq_softmax=(_S, _L, _P, _P, _P, _L, _L, _P),
    iptq_requantize=(_P, _P, _I, _L, _L, _P, _P, _L, _I, _P),
    iptq_add=(_P, _P, _P, _L, _L, _P),
    iptq_sum_tokens=(_P, _P, _P, _P),
    iptq_copy=(_I, _L, _P, _P, _P, _P, _P),
    iptq_quantize=(_P, _P, _L, _P, _P, _I, _P),
    iptq_dequantize=(_P, _P, _I, _L, _P, _P, _P),
    iptq_dequantize_maps=(_P, _P, _I, _L, _L, _L, _P, _P, _P),
    iptq_center_pixels=(_P, _P, _P, _L, _P, _P),
    iptq_recording_create=(_L, _P, _I, _P),
    iptq_recording_play=(_P, _P),
    iptq_box_levels=(_P, _L, _P, _L, _P),
    iptq_decode_boxes=(_P, _L, _P, _I, _P, _P, _P, _P),
    iptq_rank=(_P, _I, _L, _L, _P),
    iptq_nms=(_P, _L, _P, _P, _L, _L, _P, _P),
    iptq_roi_align=(_P, _L, _P, _P, _P, _L, _P, _L, _P, _P, _L, _L, _L, _P),
    iptq_paste_masks=(_P, _P, _L, _L, _L, _P, _L, _L, _L, _P),
    iptq_set_isa=(_S, ))
"""Arguments of the functions that give a status."""

OK, UNSUPPORTED, INVALID, NO_MEMORY = range(4)

OBJECTS = (
    'linear', 'linear_wide', 'gelu', 'layer_norm', 'attention', 'recording')


def library() -> Path | None:
    """The file of the kernels, where they were built."""
    path = Path(__file__).parents[2] / 'core' / 'libiptq.so'
    return path if path.exists() else None


@cache
def core() -> CDLL:
    """The library.

    Raises:
        OSError: If it is not there, does not load, or is of another version
            of this package.
    """
    found = CDLL(str(library()))
    if found.iptq_interface() != INTERFACE:
        raise OSError(f'{library()} is of another version of iptq_mm')
    for name, arguments in FUNCTIONS.items():
        getattr(found, name).argtypes = arguments
    for name in OBJECTS:
        destroy = getattr(found, f'iptq_{name}_destroy')
        destroy.argtypes, destroy.restype = (_P, ), None
    found.iptq_last_error.restype = _S
    found.iptq_isa.restype = found.iptq_isa_name.restype = _S
    found.iptq_pool.restype = found.iptq_openmp_threads.restype = _P
    found.iptq_openmp_threads.argtypes = (_P, _I)
    return found


def available() -> bool:
    """Whether the kernels run."""
    try:
        return library() is not None and core() is not None
    except OSError:
        return False


def serves_onnxruntime() -> bool:
    """Whether the library is one of custom operators for ONNX Runtime too:
    if its headers were there when it was built."""
    return hasattr(core(), 'RegisterCustomOps')


def isas() -> list[str]:
    """Instruction sets of this machine that have kernels, slowest first."""
    return [
        core().iptq_isa_name(i).decode()
        for i in range(core().iptq_isa_count())
    ]


def isa() -> str:
    """The instruction set that runs: the last of :func:`isas` unless set."""
    return core().iptq_isa().decode()


_OPENMP = ('GOMP_parallel', 'omp_get_thread_num', 'omp_get_num_threads')


class _OpenMP(Structure):
    """``iptq_openmp``."""
    _fields_ = [(name, c_void_p) for name in _OPENMP]


@cache
def _openmp() -> _OpenMP | None:
    """The OpenMP that torch has brought along, if it is there: its threads
    wait for work in a loop, and would not make room for others."""
    try:
        mapped = Path('/proc/self/maps').read_text()
    except OSError:
        return None
    found = set(re.findall(r'/\S*lib(?:g|i)?omp\S*\.so\S*', mapped))
    # Other packages have one of their own.
    own = {path for path in found
           if Path(path).is_relative_to(Path(torch.__file__).parent)}
    if len(own or found) != 1:
        return None
    try:
        library = CDLL((own or found).pop())
        return _OpenMP(*(cast(getattr(library, name), c_void_p)
                         for name in _OPENMP))
    except (OSError, AttributeError):
        return None


_executors: dict[int, int] = {}


def threads() -> int:
    """The executor of as many threads as torch has at the moment: its own
    ones, or else the library's."""
    count = torch.get_num_threads()
    executor = _executors.get(count)
    if executor is None:
        openmp = _openmp()
        executor = _executors[count] = (
            core().iptq_pool(count) if openmp is None else
            core().iptq_openmp_threads(byref(openmp), count))
    return executor


def succeeded(status: int) -> bool:
    """Whether a call gave a result; where it did not, the reference has one,
    or says what is wrong.

    Raises:
        MemoryError: If there was not enough.
    """
    if status == NO_MEMORY:
        raise MemoryError(core().iptq_last_error().decode())
    return status == OK


@contextmanager
def calls_seen(by: Callable[..., int]) -> Iterator[None]:
    """While the context lasts, this thread's calls of the library's
    ``FUNCTIONS`` go through ``by(name, function, *arguments)``, which gives
    the status. One thread at a time; contexts may lie in one another.
    """
    library, thread = core(), get_ident()

    def seen(name: str, function: Callable) -> Callable:
        return lambda *arguments: (
            by(name, function, *arguments)
            if get_ident() == thread else function(*arguments))

    with _SEEN:
        functions = {name: getattr(library, name) for name in FUNCTIONS}
        for name, function in functions.items():
            setattr(library, name, seen(name, function))
        try:
            yield
        finally:
            for name, function in functions.items():
                setattr(library, name, function)


_SEEN = RLock()


def int64s(*values: int) -> Array:
    """A C array."""
    return (c_int64 * len(values))(*values)

