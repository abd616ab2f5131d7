"""Several processes that quantize one model together.

Each calibrates on its share of the images; the merged statistics are the same
on all, and so must be the integers that each of them makes.
"""
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from mmengine.dist import (
    all_gather_object,
    get_dist_info,
    init_dist,
    is_distributed,
)
from torch import nn
from torch.utils.data import DataLoader

from ..artifact.digest import digest
from ..errors import UserError


@contextmanager
def processes(launcher: str, device: str) -> Iterator[None]:
    """Join the processes that a launcher has started, while this lasts.

    mmengine's ``Runner`` is told of no launcher: its samplers, test loop and
    metrics ask the process group, and its wrapper for training, which knows
    GPUs only, is not needed.

    Args:
        launcher (str): ``none`` or ``pytorch`` (torchrun).
        device (str): ``auto``, ``cpu`` or ``cuda``; processes talk by NCCL on
            GPUs, by Gloo on CPUs.

    Raises:
        UserError: If the launcher has not started this process.
    """
    if launcher == 'none':
        yield
        return
    if 'RANK' not in os.environ:
        raise UserError(
            f'--launcher {launcher}, and this process was not started by it: '
            f'use torchrun --nproc-per-node N tools/ptq.py ... '
            f'--launcher {launcher}, or leave the option out.')
    if device != 'cpu' and torch.cuda.is_available():
        init_dist(launcher, backend='nccl')
    else:  # mmengine's init_dist asks for a GPU whatever the backend
        torch.distributed.init_process_group('gloo')
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def share_of_rank(loader: DataLoader, num_batches: int) -> DataLoader:
    """This process's share of the first batches: with n processes, process r
    gets the batches r, r + n, r + 2n, ... of those that a single process
    would see.

    Args:
        loader (DataLoader): Built by mmengine, whose samplers deal the images
            out to the processes in turn.
        num_batches (int): Batches of all processes together.

    Returns:
        DataLoader: ``loader`` itself where there is one process.

    Raises:
        UserError: If there are fewer batches than that, or fewer than
            processes.
    """
    rank, world = get_dist_info()
    if not is_distributed():
        return loader
    dealt = all_gather_object(list(loader.sampler))
    order = [
        dealt[i % world][i // world] for i in range(len(loader.dataset))
    ]
    size = loader.batch_sampler.batch_size
    batches = [order[i:i + size] for i in range(0, len(order), size)]
    if not world <= num_batches <= len(batches):
        raise UserError(
            f'{num_batches} calibration batches were asked for; {world} '
            f'processes need at least {world}, and there are {len(batches)}. '
            f'Change num_batches, or add images.')
    return DataLoader(
        loader.dataset,
        batch_sampler=batches[:num_batches][rank::world],
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn)


def check_agreement(modules: Iterable[nn.Module]) -> str:
    """Refuse integers that differ between processes.

    Args:
        modules (Iterable[nn.Module]): In the same order in each process.

    Returns:
        str: SHA-256 of names, dtypes, shapes and values of all tensors.

    Raises:
        UserError: If it is not the same in all processes.
    """
    own = digest(modules)
    digests = all_gather_object(own)
    other = [rank for rank, d in enumerate(digests) if d != digests[0]]
    if other:
        raise UserError(
            f'the integers of process {other[0]} differ from those of process '
            f'0 ({len(other)} of {len(digests)} do): the float model computes '
            f'otherwise there. Use machines of one kind, one version of torch '
            f'and one OMP_NUM_THREADS.')
    return own
