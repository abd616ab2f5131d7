"""Where the time of an integer model goes: by layer and operator."""
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..ops import NAMESPACE, native
from .dispatch import timed_calls


@dataclass
class Entry:
    """One operator of one layer.

    Attributes:
        layer (str): Module that called it.
        operator (str): E.g. ``linear``; ``other`` stands for all of torch's
            own operators of the layer.
        shape (str): Of a product: rows, inputs and outputs; of anything else
            the sizes of what it gives.
        products (int): Multiply-accumulates of its matrix products.
        bytes (int): Tensors that it reads or writes, each counted once.
        ms (float): Fastest of its runs, inside the library of kernels where
            that has it: what is around a call is in no frozen network.
    """
    layer: str
    operator: str
    shape: str = ''
    products: int = 0
    bytes: int = 0
    ms: float = float('inf')


LAYERS = ('linear', 'linear_add', 'linear_gelu', 'linear_wide', 'conv2d')
"""Operators that are a product with weights, their second argument."""


def products_of(operator: str, args: tuple, result: Tensor) -> int:
    """Multiply-accumulates of one call.

    Args:
        operator (str): Name in the namespace ``iptq``.
        args (tuple): Of the call.
        result (Tensor): Of the call.
    """
    if operator in LAYERS:
        halves = 2 if operator == 'linear_wide' else 1
        return halves * result.numel() * args[1].shape[1]
    if operator == 'attention':
        return 2 * result.numel() * result.shape[1]
    if operator == 'window_attention':
        return 2 * result.numel() * args[3]**2
    return 0


def shape_of(operator: str, args: tuple, result: Tensor) -> str:
    """Arguments as those of :func:`products_of`."""
    if operator in LAYERS:
        outputs = result.shape[-1]
        return f'{result.numel() // outputs}x{args[1].shape[1]}x{outputs}'
    return 'x'.join(map(str, result.shape))


class _Watch(TorchDispatchMode):
    """Times each operator, and files it under the module that is running."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = ['']
        self.entries: dict[tuple[str, str], Entry] = {}
        self.calls: list[float] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls.clear()
        began = time.perf_counter()
        result = func(*args, **(kwargs or {}))
        whole = time.perf_counter() - began
        ms = 1000 * (sum(self.calls) or whole)
        ours = func.namespace == NAMESPACE
        name = func._schema.name.split('::')[1] if ours else 'other'
        key = self.layers[-1], name
        entry = self.entries.setdefault(key, Entry(*key, ms=0.))
        entry.ms += ms
        if ours:
            entry.shape = shape_of(name, args, result)
            entry.products += products_of(name, args, result)
            entry.bytes += sum(x.nbytes for x in (*args, result)
                               if isinstance(x, Tensor))
        return result

    def _enter(self, name: str, *_) -> None:
        self.layers.append(name)

    def _leave(self, *_) -> None:
        self.layers.pop()

    @contextmanager
    def over(self, model: nn.Module) -> Iterator[None]:
        handles = []
        for name, module in model.named_modules():
            handles += [
                module.register_forward_pre_hook(partial(self._enter, name)),
                module.register_forward_hook(self._leave)
            ]
        calls = timed_calls(self.calls) if native.available() else (
            nullcontext())
        try:
            with calls, self:
                yield
        finally:
            for handle in handles:
                handle.remove()


@torch.no_grad()
def profile(model: nn.Module, images: Tensor, rounds: int) -> list[Entry]:
    """Run a model several times.

    Args:
        model (nn.Module): Integer model.
        images (Tensor): float32 [B, 3, H, W].
        rounds (int): Runs; each operator counts with its fastest one.

    Returns:
        list[Entry]: In the order of the first run.
    """
    fastest: dict[tuple[str, str], Entry] = {}
    for _ in range(rounds):
        watch = _Watch()
        with watch.over(model):
            model(images)
        for key, entry in watch.entries.items():
            kept = fastest.setdefault(key, entry)
            kept.ms = min(kept.ms, entry.ms)
    return list(fastest.values())


def by_shape(entries: list[Entry]) -> list[Entry]:
    """One entry for each operator and shape, slowest first; ``layer`` says how
    many layers it is of."""
    sums: dict[tuple[str, str], Entry] = {}
    layers: dict[tuple[str, str], int] = {}
    for entry in entries:
        key = entry.operator, entry.shape
        total = sums.setdefault(key, Entry('', *key, ms=0.))
        total.ms += entry.ms
        total.products += entry.products
        total.bytes += entry.bytes
        layers[key] = layers.get(key, 0) + 1
    for key, total in sums.items():
        total.layer = str(layers[key])
    return sorted(sums.values(), key=lambda entry: -entry.ms)
