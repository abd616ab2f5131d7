import math

import pytest
import torch

from iptq_mm.experiments.comparison import Tally, compare
from iptq_mm.experiments.peers.runtimes import in_batches


def test_of_equal_logits_the_first_counts():
    tally = Tally()
    logits = torch.tensor([[2., 2., 1.], [0., 3., 3.], [0., 3., 3.]])
    tally.add(logits, logits, torch.tensor([0, 1, 2]))
    assert (tally.right, tally.seen) == (2, 3)
    assert tally.figures() == dict(top1=pytest.approx(200 / 3),
                                   sqnr_db=math.inf)


def test_sqnr_is_that_of_all_batches():
    batches = [(torch.tensor([[3., 0.]]), torch.tensor([0])),
               (torch.tensor([[0., 1.]]), torch.tensor([0]))]
    done = []
    figures = compare(lambda x: x, {('a', 'b'): lambda x: 0.9 * x}, batches,
                      done.append)
    assert done == [1, 2]
    assert figures['float']['top1'] == figures['a', 'b']['top1'] == 50
    assert figures['a', 'b']['sqnr_db'] == pytest.approx(20)


def test_a_network_of_two_names_runs_once():
    calls = []

    def network(x):
        calls.append(x)
        return x

    figures = compare(lambda x: x + 1, dict(a=network, b=network),
                      [(torch.zeros(1, 2), torch.tensor([0]))], lambda _: None)
    assert len(calls) == 1
    assert figures['a'] == figures['b']


@pytest.mark.parametrize('count', [1, 3, 4, 7])
def test_a_runtime_for_one_size_of_batch_takes_any(count):
    images = torch.arange(count * 12.).view(count, 3, 2, 2)

    def run(batch):
        assert batch.shape == (3, 3, 2, 2)
        return [batch.sum((2, 3)).numpy()]

    assert torch.equal(in_batches(run, 3)(images), images.sum((2, 3)))
