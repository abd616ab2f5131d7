"""The integer-only guard: no floating-point tensor inside an integer region.

The promise "integer only" is checked while the model runs, at the level of
torch's dispatcher: every tensor that any operator makes is looked at. Our own
operators are opened, their references run under the same guard.
"""
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .compat import tree_leaves
from .ops import REFERENCES


class FloatingPointTensorError(RuntimeError):
    """A floating-point tensor was made where only integers may be."""


def _floating(values: Any) -> Iterator[torch.Tensor]:
    for value in tree_leaves(values):
        if isinstance(value, torch.Tensor) and (value.is_floating_point()
                                                or value.is_complex()):
            yield value


class IntegerOnly(TorchDispatchMode):
    """Context in which making a floating-point tensor is an error.

    Raises:
        FloatingPointTensorError: From the operator that makes or takes one,
            naming the operator, the dtype and the shape.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (),
                           kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        reference = REFERENCES.get(func._schema.name)
        if reference is None:
            result = func(*args, **kwargs)
        else:
            with self:  # look inside our own operator
                result = reference(*args, **kwargs)
        for tensor in _floating((args, kwargs, result)):
            raise FloatingPointTensorError(
                f'{func._schema.name} works on a {tensor.dtype} tensor of '
                f'shape {tuple(tensor.shape)} inside an integer region')
        return result


@contextmanager
def integer_only_regions(model: torch.nn.Module) -> Iterator[list[str]]:
    """Guard every integer region of a model while the context lasts.

    An integer region is a module whose class sets ``integer_region = True``:
    it takes and gives integer tensors. A detector that is one program has it
    beside its modules, as ``integer_program()``.

    Args:
        model (nn.Module): A model with at least one integer region.

    Yields:
        list[str]: Names of the guarded modules.

    Raises:
        ValueError: If the model has no integer region.
    """
    regions = {
        name: module
        for name, module in model.named_modules()
        if getattr(module, 'integer_region', False)
    }
    if hasattr(model, 'integer_program'):
        regions['program'] = model.integer_program()
    if not regions:
        raise ValueError(f'{type(model).__name__} has no integer region to '
                         f'guard: was it quantized?')
    handles = []
    for module in regions.values():
        guard = IntegerOnly()
        handles.append(
            module.register_forward_pre_hook(
                lambda *_, guard=guard: guard.__enter__() and None))
        # always_call: leave the guard also when the region raises.
        handles.append(
            module.register_forward_hook(
                lambda *_, guard=guard: guard.__exit__(None, None, None),
                always_call=True))
    try:
        yield list(regions)
    finally:
        for handle in handles:
            handle.remove()
