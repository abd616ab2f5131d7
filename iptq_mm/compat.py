"""What Python has had since 3.10 and torch since 2.2 to 2.5, for Python 3.9
and torch 2.1."""
from __future__ import annotations

import codecs
import pickle
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from itertools import zip_longest
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import (
    TorchFunctionMode,
    handle_torch_function,
    has_torch_function,
)
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


def aminmax(x: Tensor, **axis: int) -> Tensor:
    """Smallest and largest value of a float tensor, of all or along ``dim``:
    [2, ...]. torch 2.1 has none of half precision on a CPU."""
    wide = x.float() if x.dtype == torch.float16 else x
    return torch.stack(torch.aminmax(wide, **axis))


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


def export_traced(model: nn.Module, *args: Any, **options: Any) -> None:
    """``torch.onnx.export`` by tracing a run, whatever is the default."""
    if 'dynamo' in signature(torch.onnx.export).parameters:
        options['dynamo'] = False
    torch.onnx.export(model, *args, **options)


def sym_max(a: int, b: int) -> int:
    """``torch.sym_max``, which a ``TorchFunctionMode`` sees, too."""
    if not is_compiling() and has_torch_function((a, b)):
        return handle_torch_function(sym_max, (), a, b)
    return torch.sym_max(a, b)


@contextmanager
def all_indices_seen() -> Iterator[None]:
    """While the context lasts, a ``TorchFunctionMode`` sees ``x[i]`` whatever
    i is; torch 2.1 shows it only tuples of more than tensors."""
    own = vars(Tensor).get('__getitem__')
    if own is not None or _shows_indices():
        yield
        return
    plain = Tensor.__getitem__

    def get(x: Tensor, index: Any) -> Any:
        index = index if isinstance(index, tuple) else (index, )
        if not any(i is Ellipsis for i in index):
            index = (*index, Ellipsis)
        return plain(x, index)

    get.__name__ = '__getitem__'  # what the mode is shown
    Tensor.__getitem__ = get
    try:
        yield
    finally:
        del Tensor.__getitem__


def _shows_indices() -> bool:
    seen = []

    class Watch(TorchFunctionMode):

        def __torch_function__(self, function, types, args=(), kwargs=None):
            seen.append(function)
            return function(*args, **(kwargs or {}))

    numbers, index = torch.zeros(2, dtype=torch.int8), torch.zeros(1).long()
    with Watch():
        numbers[index]
    return bool(seen)


def is_compiling() -> bool:
    """Whether ``torch.compile`` or ``torch.export`` is tracing."""
    if hasattr(torch.compiler, 'is_compiling'):
        return torch.compiler.is_compiling()
    return torch._utils.is_compiling()  # which dynamo knows


def load_tensors(path: str | Path, allowed: Sequence[Any] = ()) -> Any:
    """``torch.load(weights_only=True)`` onto the CPU, with more allowed.

    Args:
        path (str | Path): File written by ``torch.save``.
        allowed (Sequence): Classes and functions beside torch's own, or pairs
            of one and the name that it has in files.

    Raises:
        UnpicklingError: If the file holds anything else (``Unsupported
            global: GLOBAL module.name``); and whatever a broken file makes
            torch raise.
    """
    if hasattr(torch.serialization, 'safe_globals'):
        with torch.serialization.safe_globals(list(allowed)):
            return torch.load(path, map_location='cpu', weights_only=True)
    return torch.load(path, map_location='cpu', weights_only=False,
                      pickle_module=_restricted(allowed))


def _restricted(allowed: Sequence[Any]) -> Any:
    """A stand-in for the module ``pickle`` that finds nothing but what torch
    itself allows, and ``allowed``. The reader of torch 2.1 for weights alone
    makes no object of a class that it does not know."""
    from torch import _weights_only_unpickler as own
    known = dict(own._get_allowed_globals())
    known['_codecs.encode'] = codecs.encode  # how bytes are written
    for one in allowed:
        value, name = one if isinstance(one, tuple) else (
            one, f'{one.__module__}.{one.__name__}')
        known[name] = value

    class Unpickler(pickle.Unpickler):

        def find_class(self, module: str, name: str) -> Any:
            # Files have the names of Python 2.
            module, name = NAME_MAPPING.get(
                (module, name), (IMPORT_MAPPING.get(module, module), name))
            if f'{module}.{name}' not in known:
                raise pickle.UnpicklingError(
                    f'Unsupported global: GLOBAL {module}.{name}')
            return known[f'{module}.{name}']

    return SimpleNamespace(
        __name__='pickle', Unpickler=Unpickler,
        load=lambda file, **options: Unpickler(file, **options).load())
