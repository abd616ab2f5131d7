"""Native CPU kernels of the operators, where the package was built with them.

They give the bits of the references, faster. The library (``iptq_mm/core/``)
knows nothing of torch, nor of Python: here its functions are bound to the
operators.
"""
import warnings

from ..library import LIBRARY
from . import blocks, border, boxes, layers
from .core import (
    INTERFACE,
    available,
    core,
    isa,
    isas,
    library,
    serves_onnxruntime,
)
from .objects import Recordings, forget_all
from .recorder import record
from .recording import NotRecordableError, Recording

__all__ = [
    'INTERFACE', 'NotRecordableError', 'Recording', 'Recordings',
    'available', 'isa', 'isas', 'library', 'load', 'record',
    'serves_onnxruntime', 'set_isa'
]

_KERNELS = {
    **border.KERNELS, **layers.KERNELS, **blocks.KERNELS, **boxes.KERNELS
}


def load() -> None:
    """Put the kernels, if they were built, on top of the references.

    Without them everything works, slowly; a warning says so.
    """
    if library() is None:
        warnings.warn('iptq_mm was installed without its native kernels, so '
                      'integer models run on the slow reference; install it '
                      'again where there is a C++ compiler', stacklevel=2)
        return
    try:
        core()
    except OSError as error:
        warnings.warn(f'the native kernels of iptq_mm do not load, so integer '
                      f'models run on the slow reference; install iptq_mm '
                      f'again: {error}', stacklevel=2)
        return
    for name, kernel in _KERNELS.items():
        LIBRARY.impl(name, kernel, 'CPU')


def set_isa(name: str) -> None:
    """Run another instruction set, to test it or to compare.

    Args:
        name (str): One of :func:`isas`.

    Raises:
        ValueError: If this machine does not run it.
    """
    if core().iptq_set_isa(name.encode()):
        raise ValueError(f'this machine does not run the instruction set '
                         f'{name!r}; it runs: {", ".join(isas())}')
    forget_all()
