import sys

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from iptq_mm.calibration import (
    ChannelRange,
    Sampler,
    SecondMoments,
    reduce_over_ranks,
)
from iptq_mm.registry import OBSERVERS

NAMES = ('min_max', 'percentile', 'mse')


def statistics(numbers):
    """What a process that sees these batches has: observers, one of them at
    two sites, a sampler, ranges of channels and moments."""
    found = {name: OBSERVERS.build(dict(type=name)) for name in NAMES}
    found['sample'] = Sampler(max_elements=100)
    watching = dict(channels=ChannelRange(), moments=SecondMoments())
    found |= watching
    for number in numbers:
        g = torch.Generator().manual_seed(number)
        x = torch.randn(30, 5, generator=g) * (1 + number)
        for name in (*NAMES, *watching):
            found[name].observe(x)
        found['sample'].observe(x, number)
    return dict(found, shared=found['mse'])


def state(found):
    return {name: item.state_dict() for name, item in found.items()}


def work(rank, world, rendezvous, folder):
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo',
        init_method=f'file://{rendezvous}',
        rank=rank,
        world_size=world)
    found = statistics(range(rank, 6, world))
    reduce_over_ranks(found)
    torch.save(state(found), f'{folder}/{rank}.pth')
    dist.destroy_process_group()


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        for key in a[name]:
            assert torch.equal(a[name][key], b[name][key]), (name, key)


@pytest.mark.skipif(sys.platform != 'linux', reason='needs fork')
def test_two_ranks_know_what_one_would(tmp_path):
    # Forked, since a fresh interpreter would import everything anew.
    mp.start_processes(
        work, (2, tmp_path / 'rendezvous', tmp_path),
        nprocs=2,
        start_method='fork')
    one = state(statistics(range(6)))
    for rank in range(2):
        assert_same(
            torch.load(tmp_path / f'{rank}.pth', weights_only=True), one)


def test_one_rank_is_left_alone():
    found = statistics(range(3))
    reduce_over_ranks(found)
    assert_same(state(found), state(statistics(range(3))))
