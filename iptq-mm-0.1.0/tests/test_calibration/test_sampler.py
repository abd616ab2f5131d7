import pytest
import torch

from iptq_mm.calibration import Sampler


def batch(number, rows=50, length=8):
    g = torch.Generator().manual_seed(number)
    return torch.randn(rows, length, generator=g) + number


def sample(numbers, **kwargs):
    sampler = Sampler(**kwargs)
    for number in numbers:
        sampler.observe(batch(number), number)
    return sampler


def test_rows_are_whole_rows_of_what_was_seen():
    x = torch.arange(60.).view(3, 5, 4)
    sampler = Sampler(max_elements=8)
    sampler.observe(x.permute(1, 0, 2), 0)
    rows = {tuple(row) for row in x.view(15, 4).tolist()}
    assert sampler.rows.shape == (2, 4)
    assert {tuple(row) for row in sampler.rows.tolist()} <= rows


def test_memory_is_bounded_however_many_batches():
    few, many = (sample(range(n), max_elements=160) for n in (4, 64))
    assert few.rows.shape == many.rows.shape == (20, 8)
    sizes = [
        sum(t.untyped_storage().nbytes() for t in s.state_dict().values())
        for s in (few, many)
    ]
    assert sizes[0] == sizes[1]


def test_all_batches_have_their_share():
    rows = sample(range(8), max_elements=8 * 200).rows
    share = torch.bincount(rows.mean(1).round().long().clamp(0, 7))
    assert share.min() > 10


def test_everything_is_kept_while_it_fits():
    rows = sample([0], max_elements=50 * 8).rows
    assert torch.equal(rows.sort(0).values, batch(0).sort(0).values)


def test_order_and_sharing_do_not_matter():
    whole = sample(range(6), max_elements=160)
    assert torch.equal(sample([4, 1, 0, 5, 3, 2], max_elements=160).rows,
                       whole.rows)
    even = sample([0, 2, 4], max_elements=160)
    even.merge(sample([1, 3, 5], max_elements=160))
    assert torch.equal(even.rows, whole.rows)


def test_seed_changes_the_sample():
    a, b = (sample([0, 1], max_elements=160, seed=s) for s in (0, 1))
    assert not torch.equal(a.rows, b.rows)


def test_state_returns():
    a = sample(range(3), max_elements=160)
    b = Sampler(max_elements=160)
    b.load_state_dict(a.state_dict())
    for s in (a, b):
        s.observe(batch(3), 3)
    assert torch.equal(a.rows, b.rows)
    c = Sampler()
    c.load_state_dict(Sampler().state_dict())
    with pytest.raises(RuntimeError, match='no row'):
        _ = c.rows


def test_one_row_is_kept_however_long():
    sampler = Sampler(max_elements=4)
    sampler.observe(batch(0), 0)
    assert sampler.rows.shape == (1, 8)


def test_an_empty_tensor_is_nothing_and_another_length_an_error():
    sampler = sample([0])
    sampler.observe(torch.zeros(0, 8), 1)
    with pytest.raises(ValueError, match='rows of 7 numbers'):
        sampler.observe(batch(1, length=7), 1)
