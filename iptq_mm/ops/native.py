"""Native CPU kernels of the operators, where the package was built with them.

The kernels (``csrc/``) give the bits of the references, faster. What they do
not handle (odd dtypes, unusual sizes) they hand back to the references, which
they find as ``iptq_reference::NAME``.
"""
import warnings
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import torch

from .library import NAMESPACE, REFERENCES

_FALLBACKS = torch.library.Library(f'{NAMESPACE}_reference', 'DEF')


def load() -> None:
    """Put the kernels, if they were built, on top of the references.

    Without them everything works, slowly; a warning says so.
    """
    path = library()
    if path is None:
        warnings.warn('iptq_mm was installed without its native kernels, so '
                      'integer models run on the slow reference; install it '
                      'again where there is a C++ compiler', stacklevel=2)
        return
    _offer_references()
    try:
        torch.ops.load_library(path)
    except OSError as error:
        warnings.warn(f'the native kernels of iptq_mm do not load, so integer '
                      f'models run on the slow reference; install iptq_mm '
                      f'again with torch {torch.__version__}: {error}',
                      stacklevel=2)


def available() -> bool:
    """Whether the kernels run."""
    return hasattr(torch.ops.iptq_native, 'isa')


def isas() -> list[str]:
    """Instruction sets of this machine that have kernels, slowest first."""
    return torch.ops.iptq_native.isas()


def isa() -> str:
    """The instruction set that runs: the last of :func:`isas` unless set."""
    return torch.ops.iptq_native.isa()


def set_isa(name: str) -> None:
    """Run another instruction set, to test it or to compare.

    Args:
        name (str): One of :func:`isas`.

    Raises:
        ValueError: If this machine does not run it.
    """
    torch.ops.iptq_native.set_isa(name)


def library() -> Path | None:
    """The file of the kernels, where they were built."""
    here = Path(__file__).parent
    return next((path for suffix in EXTENSION_SUFFIXES
                 if (path := here / f'_native{suffix}').exists()), None)


def _offer_references() -> None:
    for qualified_name, reference in REFERENCES.items():
        name = qualified_name.split('::')[1]
        operator = getattr(getattr(torch.ops, NAMESPACE), name).default
        schema = str(operator._schema).removeprefix(f'{NAMESPACE}::')
        _FALLBACKS.define(schema)
        _FALLBACKS.impl(name, reference, 'CompositeExplicitAutograd')
