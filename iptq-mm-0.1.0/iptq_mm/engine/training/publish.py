"""A small file to publish of a checkpoint that mmengine wrote."""
from pathlib import Path

import torch
from torch import Tensor

from ..atomic import atomic_file
from ..errors import UserError


def publish(checkpoint: Path, output: Path) -> None:
    """Write the weights in half precision, and a plain ``meta``.

    Args:
        checkpoint (Path): It is unpickled: one that the caller has trained.
        output (Path): The file to write.

    Raises:
        UserError: If a weight is not finite in float16, or the file cannot
            be written.
    """
    content = torch.load(checkpoint, map_location='cpu', weights_only=False)
    meta = content['meta']
    published = dict(
        state_dict=halve(content['state_dict']),
        meta=dict(
            dataset_meta=dict(classes=tuple(meta['dataset_meta']['classes'])),
            epoch=meta['epoch'],
            iter=meta['iter']))
    with atomic_file(output) as partial:
        torch.save(published, partial)
    print(f'{output}: {output.stat().st_size} bytes, epoch {meta["epoch"]}')


def halve(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights in float16.

    Integer buffers of equal content (Swin's relative position indices) share
    one tensor, which ``torch.save`` writes once.

    Args:
        weights (dict[str, Tensor]): A state dict.

    Returns:
        dict[str, Tensor]: The same keys.

    Raises:
        UserError: If a weight is not finite in float16.
    """
    halves: dict[str, Tensor] = {}
    shared: dict[bytes, Tensor] = {}
    for name, value in weights.items():
        if value.is_floating_point():
            halves[name] = value.half()
            if not halves[name].isfinite().all():
                raise UserError(f'{name} is not finite in float16.')
        else:
            content = value.numpy().tobytes() + repr(value.shape).encode()
            halves[name] = shared.setdefault(content, value.clone())
    return halves
