"""The promise of integers only, put to the test on real images."""
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ...compat import zip_strict
from ...guard import integer_only_regions


@torch.no_grad()
def verify_integer(model: nn.Module, forward: Callable[[Any], list[Tensor]],
                   batches: Iterable[Any]) -> list[str]:
    """Run a model with its integer regions under the guard, where every
    operator is its reference in torch, and without it, where it may be a
    native kernel.

    Args:
        model (nn.Module): Has at least one integer region.
        forward (Callable): Runs it on a batch.
        batches (Iterable): As ``forward`` takes them.

    Returns:
        list[str]: Names of the integer regions.

    Raises:
        FloatingPointTensorError: If an integer region makes a floating-point
            tensor.
        ValueError: If there is no integer region.
        RuntimeError: If an output under the guard differs, in any bit, from
            the output without.
    """
    for batch in batches:
        with integer_only_regions(model) as regions:
            guarded = forward(batch)
        for i, (y, y_guarded) in enumerate(
                zip_strict(forward(batch), guarded)):
            if not torch.equal(y, y_guarded):
                raise RuntimeError(
                    f'output {i} of {type(model).__name__} differs between '
                    f'the operators in use and their references')
    return regions


def detections(detector: nn.Module, data: dict) -> list[Tensor]:
    """Everything that a detector finds in a batch of a dataloader: boxes,
    scores, labels and, where it has them, masks of each image; a classifier's
    scores."""
    return [
        value for sample in detector.test_step(data)
        for value in sample.get('pred_instances', sample).values()
        if isinstance(value, Tensor)
    ]
