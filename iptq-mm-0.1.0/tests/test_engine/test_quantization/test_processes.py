"""Several processes, and the command under torchrun."""
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.dataset import DefaultSampler
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from iptq_mm.engine.artifact.int_model import load_int_model
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.quantization.processes import (
    check_agreement,
    processes,
    share_of_rank,
)
from iptq_mm.engine.quantization.ptq_hook import PTQHook

from conftest import FEW, ROOT, SHAPES
from detectors import TINY, Detector, Images
from quantized import float_swin

pytestmark = pytest.mark.skipif(
    sys.platform != 'linux', reason='needs fork')


def together(work, world, tmp_path, *args):
    """What ``work(*args)`` returns in each of several processes."""
    # Forked, since a fresh interpreter would import everything anew.
    (tmp_path / 'rendezvous').unlink(missing_ok=True)
    mp.start_processes(
        _joined, (world, tmp_path, work, args),
        nprocs=world,
        start_method='fork')
    return [
        torch.load(tmp_path / f'{world}_{rank}.pth', weights_only=True)
        for rank in range(world)
    ]


def _joined(rank, world, folder, work, args):
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/rendezvous',
        rank=rank,
        world_size=world)
    torch.save(work(rank, *args), folder / f'{world}_{rank}.pth')
    dist.barrier()
    dist.destroy_process_group()


def quantize(rank, batch_size, **settings):
    runner = SimpleNamespace(
        model=Detector(float_swin(**TINY)),
        build_dataloader=Runner.build_dataloader)
    loader = dict(
        batch_size=batch_size,
        dataset=Images(),
        collate_fn=dict(type='default_collate'),
        sampler=dict(type='DefaultSampler', shuffle=True))
    quantization = PTQHook(
        loader, num_batches=3 // batch_size + 1, **settings).quantize(runner)
    return dict(
        functions=quantization.functions,
        widths=quantization.widths,
        state=dict(quantization.backbone.state_dict()))


BUDGET_MB = .0377
"""Between that backbone's 0.0366 with all 4-bit weights and 0.0385."""


def quantize_within(rank, batch_size):
    return quantize(rank, batch_size, budget_mb=BUDGET_MB)


@pytest.mark.parametrize('batch_size', [1, 2])
def test_two_processes_make_the_integers_of_one(tmp_path, batch_size):
    one, = together(quantize, 1, tmp_path, batch_size)
    for other in together(quantize, 2, tmp_path, batch_size):
        assert_same(other, one)


def test_two_processes_choose_the_widths_of_one(tmp_path):
    one, = together(quantize_within, 1, tmp_path, 1)
    assert set(one['widths'].values()) == {4, 8}
    for other in together(quantize_within, 2, tmp_path, 1):
        assert_same(other, one)


def assert_same(other, one):
    for choices in ('functions', 'widths'):
        assert other[choices] == one[choices]
    assert other['state'].keys() == one['state'].keys()
    for name, tensor in one['state'].items():
        assert torch.equal(other['state'][name], tensor), name


def batches_seen(rank, num_batches):
    sampler = DefaultSampler(range(7), shuffle=True, seed=3)
    loader = DataLoader(range(7), batch_size=2, sampler=sampler)
    try:
        share = share_of_rank(loader, num_batches)
    except UserError as error:
        return str(error)
    return [batch.tolist() for batch in share]


def test_batches_are_dealt_in_turn(tmp_path):
    one, = together(batches_seen, 1, tmp_path, 4)
    assert sorted(sum(one, [])) == list(range(7))
    first, second = together(batches_seen, 2, tmp_path, 4)
    assert [first, second] == [one[::2], one[1::2]]


@pytest.mark.parametrize('num_batches', [1, 5])
def test_too_few_or_too_many_batches(tmp_path, num_batches):
    for says in together(batches_seen, 2, tmp_path, num_batches):
        assert f'{num_batches} calibration batches were asked for' in says


def agreement(rank, values):
    module = nn.Module()
    module.register_buffer('weight', torch.tensor([1, values[rank]]))
    try:
        return check_agreement([module])
    except UserError as error:
        return str(error)


def test_integers_that_differ_are_refused(tmp_path):
    same = together(agreement, 2, tmp_path, [5, 5])
    assert same[0] == same[1] and len(same[0]) == 64
    for says in together(agreement, 2, tmp_path, [5, 6]):
        assert 'integers of process 1 differ from those of process 0' in says


def test_no_launcher_has_started_this_process(monkeypatch):
    monkeypatch.delenv('RANK', raising=False)
    with pytest.raises(UserError, match='torchrun'):
        with processes('pytorch', 'cpu'):
            pass


@pytest.mark.skipif(
    not os.environ.get('IPTQ_SLOW_TESTS'),
    reason='starts two interpreters: set IPTQ_SLOW_TESTS=1')
def test_torchrun(tmp_path, saved):
    """The command with two processes writes what it writes with one."""
    run = subprocess.run(
        [
            sys.executable, '-m', 'torch.distributed.run', '--standalone',
            '--nproc-per-node', '2', ROOT / 'tools' / 'ptq.py', SHAPES,
            '--launcher', 'pytorch', '--device', 'cpu', '--work-dir',
            tmp_path / 'out', '--cfg-options',
            *(f'{key}={value}' for key, value in FEW.items())
        ],
        cwd=tmp_path,
        env={
            **os.environ, 'PYTHONPATH': str(ROOT)
        },
        capture_output=True,
        text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    ours = load_int_model(tmp_path / 'out' / 'int_model.pth')
    theirs = load_int_model(saved / 'int_model.pth')
    assert ours.meta['functions'] == theirs.meta['functions']
    for name, tensor in theirs.weights.items():
        assert torch.equal(ours.weights[name], tensor), name
    ours, theirs = (json.loads((folder / 'ptq_report.json').read_text())
                    for folder in (tmp_path / 'out', saved))
    assert ours['integer'] == theirs['integer']
