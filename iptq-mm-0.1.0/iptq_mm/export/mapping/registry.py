"""Where the functions are registered that map torch's onto ONNX."""
from collections.abc import Callable

from torch.overrides import resolve_name

MAPPINGS: dict[str, Callable] = {}
"""By torch's name of a function or method, without ``torch.Tensor.``."""


def maps(*names: str) -> Callable[[Callable], Callable]:
    """Decorator that registers the mapping of one or more functions.

    A mapping takes the :class:`~iptq_mm.export.graph.scope.Scope`, the result
    that torch gave in the traced run, and the arguments of the call; it
    returns the Value of the result (for a tuple, a tuple of them).
    """

    def register(mapping: Callable) -> Callable:
        for name in names:
            assert name not in MAPPINGS, name
            MAPPINGS[name] = mapping
        return mapping

    return register


def name_of(function: Callable) -> str:
    """Torch's name of a function or method: ``add``, ``shape.__get__``."""
    name = resolve_name(function) or getattr(function, '__name__', '?')
    return name.removeprefix('torch.').removeprefix('Tensor.')
