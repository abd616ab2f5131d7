"""What the library keeps of tensors that do not change from call to call.

Packed weights and tables are made at the first call and found again by the
tensors that they were made of: those very tensors, not written to since, as
torch counts the writes.
"""
from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from ctypes import byref, c_void_p
from operator import attrgetter
from typing import Any, NamedTuple

from torch import Tensor

from .core import core, succeeded


class Object:
    """An object of the library, destroyed with this; or none, where only the
    reference knows an answer.

    Attributes:
        handle (int | None): Its address.
        memory (tuple[Tensor, ...]): What calls read beside the object.
        inputs, outputs (int): Channels that it takes and gives.
    """

    def __init__(self) -> None:
        self.handle: int | None = None
        self._destroy: Callable[[int], None] | None = None
        self.inputs = self.outputs = 0
        self.memory: tuple[Tensor, ...] = ()

    @classmethod
    def create(cls, kind: str, *arguments: Any, inputs: int = 0,
               outputs: int = 0) -> 'Object':
        """One of the library's ``OBJECTS``, by its ``create``."""
        self, found = cls(), c_void_p()
        self._destroy = getattr(core(), f'iptq_{kind}_destroy')
        create = getattr(core(), f'iptq_{kind}_create')
        if succeeded(create(*arguments, byref(found))):
            self.handle, self.inputs, self.outputs = (
                found.value, inputs, outputs)
        return self

    def __del__(self) -> None:
        if self.handle is not None and self._destroy is not None:
            self._destroy(self.handle)


class Kept:
    """The last object that was made of a tensor and those beside it.

    A model calls some hundred operators, and what is looked at here was last
    touched a whole forward pass ago: few looks, at few Python objects.

    Args:
        make (Callable): ``make(*tensors, *settings)``, contiguous tensors,
            gives an object, or None where they are not what one is made
            of.
    """

    def __init__(self, make: Callable[..., Object | None]):
        self._make = make
        self._found: dict[int, _Entry] = {}
        _ALL.append(self)

    def __call__(self, tensors: tuple[Tensor, ...],
                 settings: tuple = ()) -> Object:
        """The object, whose handle is as good as it lives."""
        entry = self._found.get(id(tensors[0]))
        # The address, since versions do not count what is put in by `.data`.
        if (entry is not None and entry.settings == settings
                and entry.ids == [*map(id, tensors)]
                and entry.versions == [*map(_VERSION, tensors)]
                and entry.address == tensors[0].data_ptr()):
            return entry.object
        return self._made(tensors, settings)

    def _made(self, tensors: tuple[Tensor, ...], settings: tuple) -> Object:
        made = self._make(*(x.contiguous() for x in tensors),
                          *settings) or Object()
        # Of tensors of inference mode, torch does not count the writes.
        if not any(x.is_inference() for x in tensors):
            key = id(tensors[0])
            self._found[key] = _Entry(
                made, settings, [*map(id, tensors)],
                [*map(_VERSION, tensors)], tensors[0].data_ptr(),
                weakref.ref(tensors[0],
                            lambda _: self._found.pop(key, None)),
                tensors[1:])
        return made

    def objects(self) -> Iterator[Object]:
        """Those that are kept at the moment."""
        return (entry.object for entry in [*self._found.values()])

    def forget(self) -> None:
        """Make them anew."""
        self._found.clear()


class _Entry(NamedTuple):
    """An object, and what the tensors were when it was made. None of the ids
    becomes another tensor's: with the first the entry goes, and it keeps the
    others alive."""
    object: Object
    settings: tuple
    ids: list[int]
    versions: list[int]
    address: int
    first: weakref.ref
    others: tuple[Tensor, ...]


_VERSION = attrgetter('_version')

_ALL: list[Kept] = []

class Recordings:
    """What somebody has recorded, by what it is good for; forgotten with the
    objects that it calls."""

    def __init__(self) -> None:
        self._found: dict[Any, Any] = {}
        _RECORDINGS.add(self)

    def find(self, key: Any) -> Any:
        """The one of the key, or None."""
        return self._found.get(key)

    def keep(self, key: Any, recording: Any) -> None:
        self._found[key] = recording

    def forget(self) -> None:
        """Record anew."""
        self._found.clear()


_RECORDINGS: weakref.WeakSet[Recordings] = weakref.WeakSet()


def kept_objects() -> dict[int, Object]:
    """All of them, by their handles."""
    return {
        made.handle: made
        for kept in _ALL for made in kept.objects() if made.handle is not None
    }


def forget_all() -> None:
    """Make every object anew, by another instruction set."""
    for kept in _ALL:
        kept.forget()
    for recordings in [*_RECORDINGS]:
        recordings.forget()
