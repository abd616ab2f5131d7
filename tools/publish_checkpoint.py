"""Makes a small file to publish of a checkpoint that mmengine wrote.

What stays are the weights in half precision (the averaged ones, where the
training kept an average: mmengine's EMAHook stores them as ``state_dict``) and
``meta``: the class names, the epoch and the iteration. The file holds plain
Python objects and tensors only, and loads with
``torch.load(weights_only=True)`` and with mmengine's ``load_checkpoint``.
"""
import argparse
import os
from pathlib import Path
from typing import Dict

import torch
from torch import Tensor


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='CHECKPOINT is unpickled: give one that you trained yourself.')
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument('output', type=Path)
    return parser.parse_args()


def halve(weights: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """The weights in float16.

    Integer buffers of equal content (Swin's relative position indices) share
    one tensor, which ``torch.save`` writes once.

    Args:
        weights (dict[str, Tensor]): A state dict.

    Returns:
        dict[str, Tensor]: The same keys.

    Raises:
        ValueError: A weight that is not finite in float16.
    """
    halves: Dict[str, Tensor] = {}
    shared: Dict[bytes, Tensor] = {}
    for name, value in weights.items():
        if value.is_floating_point():
            halves[name] = value.half()
            if not halves[name].isfinite().all():
                raise ValueError(f'{name} is not finite in float16')
        else:
            content = value.numpy().tobytes() + repr(value.shape).encode()
            halves[name] = shared.setdefault(content, value.clone())
    return halves


def main() -> None:
    args = parse_args()
    checkpoint = torch.load(
        args.checkpoint, map_location='cpu', weights_only=False)
    meta = checkpoint['meta']
    published = dict(
        state_dict=halve(checkpoint['state_dict']),
        meta=dict(
            dataset_meta=dict(classes=tuple(meta['dataset_meta']['classes'])),
            epoch=meta['epoch'],
            iter=meta['iter']))
    partial = args.output.with_suffix('.partial')
    torch.save(published, partial)
    os.replace(partial, args.output)
    print(f'{args.output}: {args.output.stat().st_size} bytes, '
          f'epoch {meta["epoch"]}')


if __name__ == '__main__':
    main()
