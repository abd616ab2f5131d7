"""The promise of integers only, put to the test on real images."""
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from ..guard import integer_only_regions


@torch.no_grad()
def verify_integer(backbone: nn.Module, images: Iterable[Tensor]) -> None:
    """Run an integer backbone under the guard, where every operator is its
    reference in torch, and without it, where it may be a native kernel.

    Args:
        backbone (nn.Module): Has at least one integer region.
        images (Iterable[Tensor]): Batches [B, C, H, W] as it takes them.

    Raises:
        FloatingPointTensorError: If an integer region makes a floating-point
            tensor.
        ValueError: If there is no integer region.
        RuntimeError: If an output under the guard differs, in any bit, from
            the output without.
    """
    for batch in images:
        with integer_only_regions(backbone):
            guarded = backbone(batch)
        for i, (y, y_guarded) in enumerate(zip(backbone(batch), guarded)):
            if not torch.equal(y, y_guarded):
                raise RuntimeError(
                    f'output {i} of the integer backbone differs between the '
                    f'operators in use and their references')
