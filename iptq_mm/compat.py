"""What Python has had since 3.10 and torch since 2.2 to 2.5, for Python 3.9
and torch 2.1."""
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten


def tree_leaves(values: Any) -> list:
    """All that lies in nested lists, tuples and dictionaries."""
    return tree_flatten(values)[0]


def zip_strict(*iterables: Iterable) -> Iterator[tuple]:
    """``zip(..., strict=True)``.

    Raises:
        ValueError: If one ends before another.
    """
    if sys.version_info >= (3, 10):
        return zip(*iterables, strict=True)
    return _zip_checked(iterables)


def _zip_checked(iterables: Sequence[Iterable]) -> Iterator[tuple]:
    end = object()
    for values in zip_longest(*iterables, fillvalue=end):
        if any(value is end for value in values):
            raise ValueError('zip_strict() arguments differ in length')
        yield values


def unravel_index(places: Tensor, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """Coordinates of places in a flattened tensor; one int64 tensor an axis,
    each of the shape of ``places``."""
    coordinates = []
    for length in reversed(shape):
        coordinates.append(places % length)
        places = places // length
    return tuple(reversed(coordinates))


def set_submodule(module: nn.Module, name: str, child: nn.Module) -> None:
    """Put a module in the place of the one of that dotted name."""
    parent, _, last = name.rpartition('.')
    setattr(module.get_submodule(parent), last, child)


def before_loading(module: nn.Module, hook: Callable) -> None:
    """Call ``hook(module, state_dict, prefix, ...)`` before a module takes
    its part of a state dict."""
    if hasattr(module, 'register_load_state_dict_pre_hook'):
        module.register_load_state_dict_pre_hook(hook)
    else:
        module._register_load_state_dict_pre_hook(hook, with_module=True)


def is_compiling() -> bool:
    """Whether ``torch.compile`` or ``torch.export`` is tracing."""
    if hasattr(torch.compiler, 'is_compiling'):
        return torch.compiler.is_compiling()
    return torch._utils.is_compiling()  # which dynamo knows


@contextmanager
def safe_globals(allowed: Sequence[Any]) -> Iterator[None]:
    """While it lasts, ``torch.load(weights_only=True)`` makes these too.

    Args:
        allowed (Sequence): Classes and functions, or pairs of one and the
            name that it has in files.
    """
    if hasattr(torch.serialization, 'safe_globals'):
        with torch.serialization.safe_globals(list(allowed)):
            yield
        return
    from torch import _weights_only_unpickler as unpickler
    known = unpickler._get_allowed_globals()  # one dictionary for all calls
    before = dict(known)
    for one in allowed:
        if isinstance(one, tuple):
            known[one[1]] = one[0]
        else:
            known[f'{one.__module__}.{one.__name__}'] = one
    try:
        yield
    finally:
        known.clear()
        known.update(before)
