import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm.arithmetic import qmax
from iptq_mm.calibration.thresholds import TRIALS_PER_OCTAVE, squared_errors
from iptq_mm.registry import OBSERVERS

NAMES = ['min_max', 'percentile', 'mse']


def observed(x, **cfg):
    observer = OBSERVERS.build(cfg)
    observer.observe(x)
    return observer


def squared_error(x, threshold, bits):
    step = threshold / qmax(bits)
    q = (x / step).round().clamp(-qmax(bits), qmax(bits))
    return (x - q * step).square().mean().item()


def heavy_tailed(seed=0, n=20000):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, generator=g, dtype=torch.float64)
    x[:20] *= 30
    return x


def test_min_max_is_the_largest_magnitude():
    observer = observed(torch.tensor([-3., 1.]), type='min_max')
    observer.observe(torch.tensor([[2.5]]))
    assert observer.threshold(8) == observer.threshold(4) == 3
    assert (observer.min, observer.max) == (-3, 2.5)


def test_min_max_has_the_headroom_that_was_asked_for():
    observer = observed(torch.tensor([-3., 1.]), type='min_max', headroom=1.5)
    assert observer.threshold(8) == 4.5


@pytest.mark.parametrize('headroom', [.99, 0, -1, float('inf'), float('nan')])
def test_min_max_refuses_headroom_that_would_clip(headroom):
    with pytest.raises(ValueError, match='headroom must be at least 1'):
        observed(torch.ones(1), type='min_max', headroom=headroom)


@pytest.mark.parametrize('percent', [50, 90, 99.9, 99.99, 100])
def test_percentile_is_that_of_the_values_within_a_bin(percent):
    x = heavy_tailed().float()
    threshold = observed(x, type='percentile', percent=percent).threshold(8)
    # Not numpy's: 1.26 takes another one than 2.0.
    place = math.ceil(Fraction(str(percent)) / 100 * x.numel())
    exact = x.abs().flatten().sort().values[place - 1].item()
    assert exact <= threshold <= exact * (1 + 2**-7)


def test_percentile_100_is_the_exact_maximum():
    x = heavy_tailed().float()
    threshold = observed(x, type='percentile', percent=100).threshold(8)
    assert threshold == x.abs().max().item()


def test_percentile_is_exceeded_by_no_more_than_the_rest():
    observer = observed(torch.tensor([1., -2., 4.]), type='percentile',
                        percent=50)
    assert 2 <= observer.threshold(8) <= 2 * (1 + 2**-7)


def test_percentile_of_mostly_zeros():
    x = torch.zeros(1000)
    x[:5] = 7
    assert observed(x, type='percentile', percent=99).threshold(8) == 0
    assert observed(x, type='percentile', percent=99.9).threshold(8) == 7


@pytest.mark.parametrize('percent', [0, -1, 100.1])
def test_percentile_outside_its_range_is_refused(percent):
    with pytest.raises(ValueError, match='percent'):
        OBSERVERS.build(dict(type='percentile', percent=percent))


@pytest.mark.parametrize('bits', [4, 6, 8])
def test_mse_is_as_good_as_brute_force(bits):
    x = heavy_tailed()
    threshold = observed(x, type='mse').threshold(bits)
    best = min(
        squared_error(x, trial, bits)
        for trial in np.linspace(.005, 1, 2000) * x.abs().max().item())
    assert squared_error(x, threshold, bits) <= 1.02 * best
    assert best < .95 * squared_error(x, x.abs().max().item(), bits)


def test_nothing_counts_as_clipped_at_the_largest_value():
    # 1 is the lower end of its bin, which reaches 0.8 % further
    statistics = observed(torch.ones(100), type='mse').statistics
    errors = squared_errors(statistics, torch.tensor([1., .5]).double(), 8)
    assert errors[0] < 1e-9
    assert errors[1] == pytest.approx(.25, rel=1e-3)


def test_mse_clips_more_the_fewer_the_bits():
    observer = observed(heavy_tailed(), type='mse')
    four, eight, sixteen = (observer.threshold(b) for b in (4, 8, 16))
    assert four < eight < sixteen
    assert sixteen == observer.max or sixteen == -observer.min


@pytest.mark.parametrize('value', [1., 1.25, 3e-5])
def test_mse_of_one_value_does_not_clip_it_away(value):
    # Any T of which the value is a whole step would do; the value counts as
    # spread over its bin, so only that much is asked for.
    x = torch.full((100, ), value)
    threshold = observed(x, type='mse').threshold(8)
    assert squared_error(x.double(), threshold, 8)**.5 < value / 127


@settings(max_examples=40)
@given(
    st.lists(
        st.floats(-1e4, 1e4, width=32, allow_subnormal=False),
        min_size=1,
        max_size=30),
    st.sampled_from(NAMES), st.sampled_from([4, 8, 16]))
def test_threshold_lies_between_zero_and_the_largest_magnitude(
        values, name, bits):
    observer = observed(torch.tensor(values), type=name)
    threshold = observer.threshold(bits)
    largest = max(map(abs, (np.float32(v) for v in values)))
    assert 0 <= threshold <= largest
    if largest and name == 'mse':
        assert threshold >= largest * 2.**-8 * (1 - 1 / TRIALS_PER_OCTAVE)


@pytest.mark.parametrize('name', NAMES)
class TestEvery:

    def test_only_zeros_give_zero(self, name):
        observer = observed(torch.zeros(3, 3), type=name)
        assert observer.threshold(8) == 0

    def test_nothing_observed_is_an_error(self, name):
        with pytest.raises(RuntimeError, match='no value'):
            OBSERVERS.build(dict(type=name)).threshold(8)

    def test_an_empty_tensor_is_nothing(self, name):
        with pytest.raises(RuntimeError, match='no value'):
            observed(torch.zeros(0, 4), type=name).threshold(8)

    def test_merge_equals_one_observer(self, name):
        x = heavy_tailed().float()
        a, b = observed(x[:500], type=name), observed(x[500:], type=name)
        b.merge(a)
        whole = observed(x, type=name)
        assert b.threshold(6) == whole.threshold(6)
        assert (b.min, b.max) == (whole.min, whole.max)

    def test_state_survives_a_weights_only_file(self, name, tmp_path):
        observer = observed(heavy_tailed(), type=name)
        torch.save(observer.state_dict(), tmp_path / 'state.pth')
        loaded = OBSERVERS.build(dict(type=name))
        loaded.load_state_dict(
            torch.load(tmp_path / 'state.pth', weights_only=True))
        assert loaded.threshold(6) == observer.threshold(6)

    def test_half_precision_is_seen_as_it_is(self, name):
        observer = observed(torch.tensor([.5, -2.], dtype=torch.half),
                            type=name)
        assert (observer.min, observer.max) == (-2, .5)
