"""Whether two float modules compute the same."""
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

TOLERANCE = 1e-3
"""Of the largest output: what rounding in another order may change."""


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
