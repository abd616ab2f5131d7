"""Whether a float module is what lowering takes it for."""
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

TOLERANCE = 1e-3
"""Of the largest output: what rounding in another order may change."""


_CONSTANTS = ('relative_position_index', 'attn_mask')
"""Buffers that follow from the structure."""


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network in evaluation mode for a while."""
    modes = {module: module.training for module in network.modules()}
    for module in modes:  # mmdet's Swin has a train() of its own
        module.training = False
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def check_parameters(module: nn.Module, known: Iterable[str]) -> None:
    """Refuse a module with parameters that would fall away.

    Args:
        module (nn.Module): Float.
        known (Iterable[str]): Names of those that lowering takes up.

    Raises:
        TypeError: Naming the first other one.
    """
    known = set(known)
    for name, _ in (*module.named_parameters(), *module.named_buffers()):
        if name not in known and not name.endswith(_CONSTANTS):
            raise TypeError(f'{type(module).__name__} with {name}, which has '
                            f'no integer form')


def agree(ours: Tensor, theirs: Tensor) -> bool:
    """Whether two outputs are equal but for rounding. What is not finite, of
    a damaged checkpoint, is another matter: it agrees with anything.

    Args:
        ours, theirs (Tensor): Float; they may differ in their shapes, if not
            in the number of elements.
    """
    ours, theirs = ours.double().flatten(), theirs.double().flatten()
    if ours.shape != theirs.shape:
        return False
    if not theirs.isfinite().all():
        return True
    return bool((ours - theirs).abs().max() <=
                TOLERANCE * theirs.abs().max().clamp(min=1e-12))
