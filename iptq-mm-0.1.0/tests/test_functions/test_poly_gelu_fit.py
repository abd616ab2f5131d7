"""The data-aware fit of Poly-GELU."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from iptq_mm.functions import PolyGELU


def gaussian(mean, deviation, count=4000):
    generator = torch.Generator().manual_seed(0)
    return mean + deviation * torch.randn(
        count, dtype=torch.float64, generator=generator)


def rms(candidate, x):
    return (candidate.ideal(x) - F.gelu(x)).square().mean().sqrt().item()


@pytest.mark.parametrize('mean, deviation', [
    (-1, 1.5), (0, 0.5), (-0.5, 0.8), (-2, 3), (1, 2), (0, 6)
])
def test_fit_beats_the_published_coefficients(mean, deviation):
    x = gaussian(mean, deviation)
    candidate = PolyGELU.fit(x)
    assert candidate.fitted
    assert rms(candidate, x) < 0.8 * rms(PolyGELU(), x)


def test_fit_sees_the_distribution_not_only_the_range():
    narrow = torch.cat([gaussian(0, 0.3), torch.tensor([-4., 4.])])
    wide = torch.linspace(-4, 4, 4000)
    assert (rms(PolyGELU.fit(narrow), narrow)
            < 0.9 * rms(PolyGELU.fit(wide), narrow))


def test_fit_does_not_depend_on_order_shape_or_dtype():
    x = gaussian(-1, 1.5).float()
    first = PolyGELU.fit(x)
    second = PolyGELU.fit(x.double().flip(0).view(40, 100))
    assert (first.a, first.b) == (second.a, second.b)


@pytest.mark.parametrize('samples', [
    torch.empty(0), torch.zeros(9), torch.full((9, ), 2.),
    gaussian(0, 0.05), gaussian(0, 1).abs(), -gaussian(0, 1).abs(),
    torch.tensor([-1., 2., float('nan')]),
    torch.tensor([-1., 2., float('inf')])
], ids=['empty', 'zero', 'constant', 'tiny', 'positive', 'negative', 'nan',
        'inf'])
def test_degenerate_samples_get_the_published_coefficients(samples):
    candidate = PolyGELU.fit(samples)
    assert not candidate.fitted
    assert (candidate.a, candidate.b) == (PolyGELU().a, PolyGELU().b)


@settings(max_examples=100)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30))
def test_whatever_is_observed_the_fit_can_be_lowered(values):
    x = torch.tensor(values, dtype=torch.float64)
    candidate = PolyGELU.fit(x)
    candidate.lower(0.05, 0.05)  # does not raise
    if candidate.fitted:
        assert min(values) < 0 < max(values)
