"""Loops over tensors, stated so that they can be written down.

A loop of Python runs and is gone; a file that shall run it needs its step
once. References with a loop in them say it by one of these functions, whose
step is a function of tensors without a decision of Python in it. The exporter
(``export/graph/tracer.py``) takes the call and makes ``Loop`` of it.
"""
from collections.abc import Callable

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function


def each(function: Callable[..., Tensor], *rows: Tensor) -> Tensor:
    """A function of every row, one on the other.

    Args:
        function (Callable): (a row of each tensor) -> Tensor, of one dtype
            and size for all rows; takes rows of zeros, too.
        *rows (Tensor): [N, ...] each, the same N.

    Returns:
        Tensor: [N, ...].
    """
    if has_torch_function(rows):
        return handle_torch_function(each, rows, function, *rows)
    if not len(rows[0]):
        return function(*map(example, rows))[None][:0]
    return torch.stack([function(*row) for row in zip(*rows)])


def example(rows: Tensor) -> Tensor:
    """A row, of zeros where there is none."""
    return rows[0] if len(rows) else rows.new_zeros(rows.shape[1:])


def while_any(step: Callable[..., tuple[Tensor, ...]],
              *state: Tensor) -> tuple[Tensor, ...]:
    """A state, brought on by a step as long as anything is alive.

    Args:
        step (Callable): The state -> the next one, of the same dtypes and
            sizes.
        *state (Tensor): bool [N], what is alive, and others.

    Returns:
        tuple[Tensor, ...]: The first state in which nothing is alive.
    """
    if has_torch_function(state):
        return handle_torch_function(while_any, state, step, *state)
    while state[0].any():
        state = step(*state)
    return state
