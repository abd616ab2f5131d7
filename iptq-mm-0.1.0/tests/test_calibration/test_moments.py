import pytest
import torch

from iptq_mm.calibration import ChannelRange, CrossMoments, SecondMoments


def batch(number, rows=50, length=6):
    g = torch.Generator().manual_seed(number)
    return torch.randn(2, rows, length, generator=g) * (1 + number) + 3


def seen(kind, numbers):
    statistic = kind()
    for number in numbers:
        statistic.observe(batch(number))
    return statistic


def test_mean_and_covariance_are_those_of_all_rows():
    moments = seen(SecondMoments, range(3))
    rows = torch.cat([batch(n).flatten(0, 1) for n in range(3)]).double()
    assert torch.allclose(moments.mean, rows.mean(0), rtol=1e-6)
    assert torch.allclose(moments.covariance, rows.T.cov(correction=0),
                          atol=1e-4)
    assert moments.covariance.dtype == torch.float64


def test_divided_moments_are_those_of_divided_rows():
    divisors = torch.tensor([1., .25, 3., 1., .5, 2.]).double()
    divided = seen(SecondMoments, range(3)).divided(divisors)
    direct = SecondMoments()
    for number in range(3):
        direct.observe(batch(number) / divisors)
    assert torch.allclose(divided.mean, direct.mean, rtol=1e-6)
    assert torch.allclose(divided.covariance, direct.covariance, atol=1e-4)


def test_range_is_that_of_each_channel():
    ranges = seen(ChannelRange, range(3))
    rows = torch.cat([batch(n).flatten(0, 1) for n in range(3)])
    assert torch.equal(ranges.largest, rows.abs().amax(0))
    assert torch.equal(ranges.high, rows.amax(0))
    torch.testing.assert_close(ranges.middle,
                               (rows.amin(0) + rows.amax(0)) / 2)


def test_shifted_range_is_that_of_shifted_rows():
    ranges = seen(ChannelRange, range(3))
    centred = ranges.shifted(-ranges.middle)
    torch.testing.assert_close(centred.middle, torch.zeros(6), atol=1e-6,
                               rtol=0)
    torch.testing.assert_close(centred.largest, ranges.high - ranges.middle)


@pytest.mark.parametrize('kind', [SecondMoments, ChannelRange])
def test_order_and_sharing_do_not_matter(kind):
    whole = seen(kind, range(6)).state_dict()
    even = seen(kind, [4, 0, 2])
    even.merge(seen(kind, [3, 5, 1]))
    even.merge(kind())
    assert whole.keys() == even.state_dict().keys()
    for key, value in even.state_dict().items():
        assert torch.equal(value, whole[key]), key


@pytest.mark.parametrize('kind', [SecondMoments, ChannelRange])
def test_state_returns_and_is_not_shared(kind):
    first, second = seen(kind, range(2)), kind()
    saved = {key: value.clone() for key, value in first.state_dict().items()}
    second.load_state_dict(first.state_dict())
    second.observe(batch(7))
    assert all(torch.equal(first.state_dict()[key], saved[key])
               for key in saved)
    for key, value in seen(kind, [0, 1, 7]).state_dict().items():
        assert torch.equal(second.state_dict()[key], value)


@pytest.mark.parametrize('kind', [SecondMoments, ChannelRange])
def test_what_is_not_finite_is_refused(kind):
    statistic = seen(kind, [0])
    saved = {key: value.clone()
             for key, value in statistic.state_dict().items()}
    with pytest.raises(FloatingPointError):
        statistic.observe(torch.tensor([[1., float('nan'), 0, 0, 0, 0]]))
    assert all(torch.equal(statistic.state_dict()[key], saved[key])
               for key in saved)


@pytest.mark.parametrize('kind, ask', [
    (SecondMoments, lambda s: s.mean), (SecondMoments, lambda s: s.covariance),
    (ChannelRange, lambda s: s.largest)])
def test_nothing_observed(kind, ask):
    statistic = kind()
    statistic.observe(torch.zeros(0, 6))
    statistic.load_state_dict(kind().state_dict())
    with pytest.raises(RuntimeError, match='calibrate before'):
        ask(statistic)


def test_memory_does_not_grow_with_the_images():
    few, many = (seen(SecondMoments, range(n)).state_dict() for n in (1, 9))
    assert [v.shape for v in few.values()] == [v.shape for v in many.values()]


def crossed(numbers):
    moments = CrossMoments()
    for number in numbers:
        rows = batch(number).flatten(0, 1)
        moments.observe(rows[:, :2] * 3 + 1, rows)
    return moments


def test_cross_moments_are_those_of_all_rows():
    moments, own = crossed(range(3)), seen(SecondMoments, range(3))
    rows = torch.cat([batch(n).flatten(0, 1) for n in range(3)]).double()
    assert torch.allclose(moments.mean, rows[:, :2].mean(0) * 3 + 1,
                          rtol=1e-6)
    assert torch.allclose(moments.covariance(own.mean),
                          3 * rows.T.cov(correction=0)[:2], atol=1e-3)


def test_merged_cross_moments_are_those_of_one():
    parts, whole = [crossed([0, 2]), crossed([1])], crossed([0, 1, 2])
    for order in (parts, parts[::-1]):
        merged = CrossMoments()
        for part in order:
            other = CrossMoments()
            other.load_state_dict(part.state_dict())
            merged.merge(other)
        assert torch.equal(merged.mean, whole.mean)
        mean = torch.zeros(6).double()
        assert torch.equal(merged.covariance(mean), whole.covariance(mean))
        merged.merge(CrossMoments())
        assert merged.count == whole.count


def test_cross_moments_refuse_what_is_not_finite():
    moments = crossed([0])
    with pytest.raises(FloatingPointError):
        moments.observe(torch.full((2, 2), float('nan')), torch.ones(2, 6))
    assert moments.count == 100
