"""LayerNorm candidates: bounds over int16 rows, and exact sums."""
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from iptq_mm.functions import ILayerNorm, PTFLayerNorm
from iptq_mm.functions.layernorm import standardize
from iptq_mm.registry import APPROXIMATIONS

NAMES = sorted(name for name, cls in APPROXIMATIONS.module_dict.items()
               if cls.kind == 'layernorm')
LARGEST = 32767
EPS = 1e-5


def generator(seed):
    return torch.Generator().manual_seed(seed)


def random_row(c, seed):
    return torch.randint(
        -LARGEST, LARGEST + 1, (c, ), generator=generator(seed))


def quiet_row(c, seed):
    """A variance of less than a step, far from zero."""
    return 30000 + torch.randint(-1, 2, (c, ), generator=generator(seed))


def one_hot_row(c, seed):
    row = torch.full((c, ), -LARGEST)
    row[seed % c] = LARGEST
    return row


def one_step_row(c, seed):
    """The smallest variance there is."""
    row = torch.full((c, ), LARGEST)
    row[seed % c] -= 1
    return row


def alternating_row(c, seed):
    """The largest variance there is."""
    return LARGEST * (torch.arange(c) % 2 * 2 - 1)


def constant_row(c, seed):
    return torch.full((c, ), seed % 65535 - LARGEST)


ROWS = [random_row, quiet_row, one_hot_row, one_step_row, alternating_row,
        constant_row]


def affine(c, seed):
    weight, bias = torch.randn(
        2, c, dtype=torch.float64, generator=generator(seed))
    return weight * 3, bias * 5


@pytest.mark.parametrize('name', NAMES)
@settings(max_examples=300)
@given(make=st.sampled_from(ROWS), c=st.integers(1, 96) | st.integers(1, 4096),
       in_exponent=st.floats(-15, 2), out_exponent=st.floats(-12, 0),
       seed=st.integers(0, 2**16))
@example(make=one_hot_row, c=4096, in_exponent=-12, out_exponent=-12, seed=1)
@example(make=alternating_row, c=4096, in_exponent=2, out_exponent=-12,
         seed=1)
@example(make=one_step_row, c=4096, in_exponent=2, out_exponent=-12, seed=1)
@example(make=one_step_row, c=2, in_exponent=2, out_exponent=-12, seed=1)
@example(make=one_step_row, c=2, in_exponent=-15, out_exponent=-12, seed=1)
@example(make=constant_row, c=1, in_exponent=0, out_exponent=-4, seed=1)
def test_integer_stays_within_its_bound(name, make, c, in_exponent,
                                        out_exponent, seed):
    # an unfitted PTF takes the largest |x| for the end of the range
    x = torch.stack([make(c, seed), torch.full((c, ), LARGEST)]).to(
        torch.int16)
    in_scale, out_scale = 2**in_exponent, 2**out_exponent
    weight, bias = affine(c, seed)
    candidate = APPROXIMATIONS.get(name)()
    params = candidate.lower(in_scale, out_scale, weight, bias, EPS)
    y = candidate.integer(x, params).double() * out_scale
    ideal = candidate.ideal(x.double() * in_scale, weight, bias, EPS)
    bound = candidate.error_bound(out_scale, weight, bias)
    assert (y - ideal).abs().max() <= bound


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('value', [-LARGEST, -1, 0, 1, LARGEST])
def test_constant_rows_give_beta(name, value):
    weight, bias = affine(96, 0)
    cls = APPROXIMATIONS.get(name)
    params = cls().lower(0.01, 2.**-6, weight, bias, EPS)
    y = cls.integer(torch.full((2, 96), value, dtype=torch.int16), params)
    expected = (bias * 64 + 0.5).floor().long()
    assert torch.equal(y, expected.expand(2, 96))


def test_only_the_output_rounding_matters():
    """Half a step of 8 bits, and a thirtieth of one, up to C = 4096."""
    for c in (2, 96, 768, 4096):
        weight, bias = affine(c, 0)
        out_scale = 2.**-3
        bound = ILayerNorm().error_bound(out_scale, weight, bias)
        assert bound <= 0.53 * out_scale


def test_multipliers_fit_32_bits_and_use_them():
    for factor in (1e-6, 1., 1e6):
        weight, bias = affine(96, 0)
        params = ILayerNorm().lower(
            0.01, 0.01 * factor, weight, bias / 1e6, EPS)
        largest = params[3].abs().max()
        assert 2**30 <= largest < 2**31 or params[2, 0] == 62


def test_eps_decides_where_the_row_is_quiet():
    """Deviations of one step at scale 2^-12 are 2^-24: below eps."""
    x = torch.tensor([[5, 6, 5, 6]], dtype=torch.int16)
    one, zero = torch.ones(4).double(), torch.zeros(4).double()
    y = {eps: ILayerNorm.integer(
        x, ILayerNorm().lower(2.**-12, 2.**-10, one, zero, eps))
        for eps in (1e-5, 1e-12)}
    for eps, got in y.items():
        exact = F.layer_norm(x.double() * 2.**-12, (4, ), eps=eps) * 2**10
        assert (got - exact).abs().max() <= 0.51
    assert y[1e-5].abs().max() < y[1e-12].abs().max() / 10


def test_zero_weight_gives_beta_and_zero_affine_zero():
    zero = torch.zeros(8)
    x = random_row(8, 0).to(torch.int16)
    y = ILayerNorm.integer(
        x, ILayerNorm().lower(0.01, 0.5, zero, torch.ones(8), EPS))
    assert y.tolist() == [2] * 8
    y = ILayerNorm.integer(x, ILayerNorm().lower(0.01, 0.5, zero, zero, EPS))
    assert y.tolist() == [0] * 8


def test_lower_refuses_what_64_bits_do_not_hold():
    one = torch.ones(4)
    with pytest.raises(ValueError, match='4097 channels'):
        ILayerNorm().lower(0.01, 0.01, torch.ones(4097), torch.ones(4097),
                           EPS)
    with pytest.raises(ValueError, match='too small'):
        ILayerNorm().lower(1e-12, 0.01, one, one, EPS)
    with pytest.raises(ValueError, match='too small'):
        ILayerNorm().lower(1e-200, 0.01, one, one, EPS)
    with pytest.raises(ValueError, match='too small'):
        ILayerNorm().lower(0.01, 1e-30, one, one, EPS)


def spread_samples():
    """Channels whose ranges differ by a factor of 16."""
    return torch.randn(500, 32, dtype=torch.float64, generator=generator(0)
                       ) * torch.logspace(-2, 2, 32, base=2).double()


def test_ptf_gives_wide_channels_larger_factors():
    candidate = PTFLayerNorm.fit(spread_samples())
    assert candidate.fitted
    assert candidate.factors[0] == 0 and candidate.factors.max() == 3
    assert (candidate.factors.diff() >= 0).double().mean() > 0.9


@pytest.mark.parametrize('stretch', [1., 1.37, 8.])
def test_fitted_ptf_stays_within_its_bound(stretch):
    """Also when the stream's range is wider than the layer's own."""
    x = spread_samples()
    in_scale = x.abs().max().item() / LARGEST * stretch
    q = (x / in_scale).round().to(torch.int16)
    weight, bias = affine(32, 0)
    candidate = PTFLayerNorm.fit(x)
    y = candidate.integer(
        q, candidate.lower(in_scale, 2.**-8, weight, bias, EPS))
    ideal = candidate.ideal(q.double() * in_scale, weight, bias, EPS)
    bound = candidate.error_bound(2.**-8, weight, bias)
    assert (y.double() * 2**-8 - ideal).abs().max() <= bound


def test_factors_make_8_bits_better():
    x = spread_samples()
    weight, bias = affine(32, 0)
    exact = F.layer_norm(x, (32, ), weight, bias, EPS)
    error = {
        candidate.fitted:
        (candidate.ideal(x, weight, bias, EPS) - exact).square().mean()
        for candidate in (PTFLayerNorm(), PTFLayerNorm.fit(x))
    }
    assert error[True] < 0.5 * error[False]


@settings(max_examples=200)
@given(st.integers(0, 61).flatmap(lambda k: st.integers(1, 2 << k)))
@example(2**62 - 1)
@example(2**60 - 1)
def test_normalize_gives_the_root_31_bits(value):
    x, shift = standardize.normalize(torch.tensor([min(value, 2**62 - 1)]))
    assert 2**60 <= x.item() < 2**62
    assert x.item() == min(value, 2**62 - 1) << (2 * shift.item())
