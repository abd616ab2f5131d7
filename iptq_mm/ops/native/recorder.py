"""Noting what a function of tensors does, in calls of the library."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ...compat import tree_leaves
from ..library import NAMESPACE
from .core import OK, calls_seen, core, int64s
from .recording import Call, Memory, NotRecordableError, Recording

_aten = torch.ops.aten


class Recorder(TorchDispatchMode):
    """Notes what happens while it is entered: the library's calls by our
    operators, and torch's functions that move values. No other one may be
    called.

    Attributes:
        calls (list[Call]): In their order.
        constants (list[Tensor]): What the operators were given.
        memories (list[Memory]): The input's, then those of results.

    Args:
        x (Tensor): The input.
    """

    def __init__(self, x: Tensor):
        super().__init__()
        self.calls: list[Call] = []
        self.constants: list[Tensor] = []
        self.memories = [Memory.of_values(x)]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (),
                           kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.namespace == NAMESPACE:
            return self._operator(func, args, kwargs)
        if func in _VIEWS:
            return func(*args, **kwargs)
        if func in _MOVES:
            return _MOVES[func](self, func(*args, **kwargs), *args, **kwargs)
        raise NotRecordableError(f'{func} has no form in a recording')

    def made(self, result: Tensor) -> Tensor:
        """Take in what an operator has made."""
        self.memories.append(Memory.of_storage(result))
        return result

    def copy(self, x: Tensor, y: Tensor) -> None:
        """Note a copy, of tensors of one shape."""
        self.constants.append(x)
        if x.numel():
            self.call('iptq_copy', x.element_size(), x.dim(),
                      int64s(*x.shape), x.data_ptr(), int64s(*x.stride()),
                      y.data_ptr(), int64s(*y.stride()))

    def call(self, name: str, *arguments: Any) -> None:
        """Note a call of the library, and make it."""
        self._note(name, getattr(core(), name), *arguments)

    def _operator(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        # A kernel would copy what is not dense to memory that nobody sees.
        if func is not torch.ops.iptq.conv2d.default:
            args = [
                self._dense(x) if isinstance(x, Tensor) else x for x in args
            ]
        self.constants += (
            x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor))
        before = len(self.calls)
        with calls_seen(self._note):
            result = func(*args, **kwargs)
        if len(self.calls) != before + 1:
            raise NotRecordableError(f'{func} is not one call of the library')
        return self.made(result)

    def _dense(self, x: Tensor) -> Tensor:
        if x.is_contiguous():
            return x
        dense = self.made(x.contiguous())
        self.copy(x, dense)
        return dense

    def _note(self, name: str, function: Callable[..., int],
              *arguments: Any) -> int:
        status = function(*arguments)
        if status != OK:
            raise NotRecordableError(f'{name} leaves this to the reference')
        self.calls.append(Call(name, arguments))
        return status


def record(function: Callable[[Tensor], Sequence[Tensor]],
           x: Tensor) -> Recording:
    """Run a function and note what it does.

    Args:
        function (Callable): Of one tensor; what it does depends on the
            tensor's shape, not on its values. It has run before, so that the
            library has made all it keeps.
        x (Tensor): Dense, on the CPU.

    Raises:
        NotRecordableError: If it does something else than call the library
            and move values.
    """
    recorder = Recorder(x)
    with recorder:
        outputs = function(x)
    return Recording(recorder.calls, recorder.memories, recorder.constants,
                     outputs)


def _cloned(recorder: Recorder, result: Tensor, x: Tensor,
            **_: Any) -> Tensor:
    recorder.made(result)
    recorder.copy(x, result)
    return result


def _concatenated(recorder: Recorder, result: Tensor, parts: list[Tensor],
                  axis: int = 0) -> Tensor:
    recorder.made(result)
    start = 0
    for part in parts:
        length = part.shape[axis]
        recorder.copy(part, result.narrow(axis, start, length))
        start += length
    return result


def _padded(recorder: Recorder, result: Tensor, x: Tensor, pad: list[int],
            value: float = 0) -> Tensor:
    if not any(pad):
        return x  # nothing writes to a tensor that is there
    if min(pad) < 0:
        raise NotRecordableError('padding that cuts off')
    recorder.made(result)
    recorder.copy(result.new_full((), value).expand(result.shape), result)
    inside = result
    for axis, before in enumerate(reversed(pad[::2]), x.dim() - len(pad) // 2):
        inside = inside.narrow(axis, before, x.shape[axis])
    recorder.copy(x, inside)
    return result


def _summed(recorder: Recorder, result: Tensor, x: Tensor, axes: list[int],
            keepdim: bool = False, dtype: torch.dtype | None = None) -> Tensor:
    if (x.dtype != torch.int16 or result.dtype != torch.int32 or x.dim() != 3
            or list(axes) != [1] or x.stride(2) != 1):
        raise NotRecordableError('a sum of another kind than of tokens')
    recorder.made(result)
    recorder.call('iptq_sum_tokens', x.data_ptr(), int64s(*x.shape),
                  int64s(*x.stride()), result.data_ptr())
    return result


_VIEWS = {
    _aten.alias.default, _aten.expand.default, _aten.permute.default,
    _aten.select.int, _aten.slice.Tensor, _aten.t.default,
    _aten.transpose.int, _aten.unsqueeze.default, _aten.view.default,
    _aten._unsafe_view.default
}
"""Give another tensor of the same memory."""

_MOVES: dict[Any, Callable[..., Tensor]] = {
    _aten.cat.default: _concatenated,
    _aten.clone.default: _cloned,
    _aten.constant_pad_nd.default: _padded,
    _aten.sum.dim_IntList: _summed
}
"""``(recorder, result, *arguments)``: note how the result is made."""
