"""What a network does to an image of a size, done in one call of the library.

Between two layers Python, torch's dispatcher and caches that the kernels have
emptied take as long as a small layer does. A recording leaves that out: it
makes the calls that a run has made, in their order, on other memory.
"""
from __future__ import annotations

from collections.abc import Sequence
from ctypes import (
    Array,
    Structure,
    addressof,
    c_char_p,
    c_int,
    c_void_p,
    create_string_buffer,
)
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .core import FUNCTIONS, core, int64s, succeeded, threads
from .objects import Object, kept_objects

ALIGNMENT = 64
"""Of memory that the kernels write to, in bytes."""


class NotRecordableError(Exception):
    """A function does something that a recording cannot do again."""


class Call(NamedTuple):
    """Of a function of the library, with its arguments as ctypes had them."""
    name: str
    arguments: tuple


class Memory(NamedTuple):
    """Bytes of a tensor.

    Args:
        tensor (Tensor): It keeps them, so that no other one gets the address.
        begin (int): Address of the first.
        size (int): Their number.
    """
    tensor: Tensor
    begin: int
    size: int

    @classmethod
    def of_values(cls, x: Tensor) -> Memory:
        """Of a dense tensor, which may be a part of another."""
        return cls(x, x.data_ptr(), x.numel() * x.element_size())

    @classmethod
    def of_storage(cls, x: Tensor) -> Memory:
        """All that views of the tensor may reach."""
        storage = x.untyped_storage()
        return cls(x, storage.data_ptr(), storage.nbytes())

    def holds(self, address: int) -> bool:
        return self.begin <= address < self.begin + max(self.size, 1)


class _Word(NamedTuple):
    """An argument.

    Args:
        value (int): As it is, or (memory given) an offset.
        memory (int | None): Number of a memory.
    """
    value: int
    memory: int | None = None


class _Place(NamedTuple):
    """Where a memory lies when the recording is played."""
    base: int
    offset: int


class _Linker:
    """What an argument is when a call is made again.

    Args:
        memories (Sequence[Memory]): What lies elsewhere each time.
        constants (Sequence[Tensor]): What may be read beside these.
        kept (list): Takes in what has to live as long as the recording.
    """

    def __init__(self, memories: Sequence[Memory],
                 constants: Sequence[Tensor], kept: list[Any]):
        self._memories, self._kept = memories, kept
        self._objects = kept_objects()
        self._constants = [
            *map(Memory.of_storage, constants),
            *(Memory.of_storage(x) for made in self._objects.values()
              for x in made.memory)
        ]
        self._copies: dict[int, torch.UntypedStorage] = {}

    def __call__(self, argument: Any, kind: type) -> _Word:
        """
        Args:
            argument (Any): As ctypes had it.
            kind (type): As the library's function has it.

        Raises:
            NotRecordableError: If it is the address of nothing known.
        """
        if isinstance(argument, bytes):
            argument = create_string_buffer(argument)
        if isinstance(argument, Array):
            self._kept.append(argument)
            return _Word(addressof(argument))
        if kind is not c_void_p:
            return _Word(int(argument))
        return self._address(argument or 0)

    def _address(self, address: int) -> _Word:
        for i, memory in enumerate(self._memories):
            if memory.holds(address):
                return _Word(address - memory.begin, i)
        if address in self._objects:
            self._kept.append(self._objects[address])
        elif address not in (0, threads()):
            return _Word(self._copied(address))
        return _Word(address)

    def _copied(self, address: int) -> int:
        """The address in a copy that nobody else writes to or gives back."""
        for memory in self._constants:
            if memory.holds(address):
                if memory.begin not in self._copies:
                    copy = memory.tensor.untyped_storage().clone()
                    self._copies[memory.begin] = copy
                    self._kept.append(copy)
                return (self._copies[memory.begin].data_ptr() + address
                        - memory.begin)
        raise NotRecordableError('a call reads what nobody keeps')


class _CallStruct(Structure):
    """``iptq_call``."""
    _fields_ = [('function', c_char_p), ('arguments', c_int),
                ('words', c_void_p), ('bases', c_void_p)]


class Recording:
    """Calls that are made again.

    Args:
        calls (Sequence[Call]): In their order.
        memories (Sequence[Memory]): The input's, then all that was made.
        constants (Sequence[Tensor]): What the calls may read beside these; of
            what they do read, the recording has a copy.
        outputs (Sequence[Tensor]): What is asked for.

    Raises:
        NotRecordableError: If an address is none of these, or an output was
            not made by the calls.
    """

    def __init__(self, calls: Sequence[Call], memories: Sequence[Memory],
                 constants: Sequence[Tensor], outputs: Sequence[Tensor]):
        self._kept: list[Any] = []
        link = _Linker(memories, constants, self._kept)
        words = [[
            link(argument, kind) for argument, kind in zip(
                call.arguments, FUNCTIONS[call.name])
        ] for call in calls]
        own = _outputs_of(memories, outputs)
        self._shapes = [(y.shape, y.dtype) for y in outputs]
        places, self._scratch = _places(words, memories, own)
        self._addresses = c_void_p * (2 + len(outputs))
        noted = (_CallStruct * len(calls))(*(
            self._struct(call.name, each, places)
            for call, each in zip(calls, words)))
        self._object = Object.create(
            'recording', len(calls), noted, len(self._addresses()))
        if self._object.handle is None:
            raise NotRecordableError(core().iptq_last_error().decode())

    def __call__(self, x: Tensor) -> list[Tensor]:
        """
        Args:
            x (Tensor): Dense, of the recorded input's shape and dtype.

        Returns:
            list[Tensor]: What the recorded function gave of it.
        """
        outputs = [
            torch.empty(shape, dtype=dtype) for shape, dtype in self._shapes
        ]
        scratch = torch.empty(self._scratch, dtype=torch.uint8)
        if not succeeded(core().iptq_recording_play(
                self._object.handle, self._addresses(
                    x.data_ptr(), scratch.data_ptr(),
                    *(y.data_ptr() for y in outputs)))):
            raise RuntimeError(core().iptq_last_error().decode())
        return outputs

    def _struct(self, name: str, words: Sequence[_Word],
                places: dict[int, _Place]) -> _CallStruct:
        values, bases = [], []
        for word in words:
            place = _Place(-1, 0) if word.memory is None else (
                places[word.memory])
            values.append(word.value + place.offset)
            bases.append(place.base)
        arrays = int64s(*values), (c_int * len(bases))(*bases)
        self._kept += arrays
        return _CallStruct(name.encode(), len(words), *map(addressof, arrays))


def _outputs_of(memories: Sequence[Memory],
                outputs: Sequence[Tensor]) -> list[int]:
    """The numbers of the outputs' memories."""
    own = []
    for y in outputs:
        number = next((i for i, memory in enumerate(memories)
                       if i and memory.holds(y.data_ptr())), None)
        if (number is None or number in own or not y.is_contiguous()
                or y.numel() * y.element_size() != memories[number].size):
            raise NotRecordableError('an output that no call has made alone')
        own.append(number)
    return own


def _places(words: Sequence[Sequence[_Word]], memories: Sequence[Memory],
            outputs: Sequence[int]) -> tuple[dict[int, _Place], int]:
    """The input lies at base 0, the outputs at bases from 2 on, all else
    together at base 1, the largest first, each at the lowest offset where no
    other one is that some call needs meanwhile.

    Returns:
        tuple: Places by the memory's number, and the size of base 1.
    """
    places = {0: _Place(0, 0)}
    places |= {number: _Place(2 + i, 0) for i, number in enumerate(outputs)}
    spans: dict[int, tuple[int, int]] = {}
    for i, call in enumerate(words):
        for word in call:
            if word.memory is not None and word.memory not in places:
                first, _ = spans.get(word.memory, (i, i))
                spans[word.memory] = first, i
    taken: list[tuple[int, int, int]] = []  # offset, end, number
    for number in sorted(spans, key=lambda number: -memories[number].size):
        first, last = spans[number]
        offset = 0
        for begin, end, other in sorted(taken):
            meanwhile = (spans[other][0] <= last
                         and first <= spans[other][1])
            if meanwhile and offset + memories[number].size > begin:
                offset = max(offset, -(-end // ALIGNMENT) * ALIGNMENT)
        taken.append((offset, offset + memories[number].size, number))
        places[number] = _Place(1, offset)
    return places, max((end for _, end, _ in taken), default=0)
