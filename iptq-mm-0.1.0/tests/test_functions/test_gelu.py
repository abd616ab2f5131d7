"""GELU candidates: bounds over all inputs, and published figures."""
import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from iptq_mm.functions import IGELU, PolyGELU, ShiftGELU, TableGELU
from iptq_mm.registry import APPROXIMATIONS

NAMES = sorted(name for name, cls in APPROXIMATIONS.module_dict.items()
               if cls.kind == 'gelu')
RANGE = torch.linspace(-3, 3, 100001, dtype=torch.float64)


def codes(candidate):
    """All inputs."""
    largest = 2**(7 + candidate.extra_bits) - 1
    dtype = torch.int16 if candidate.extra_bits else torch.int8
    return torch.arange(-largest, largest + 1).to(dtype)


def errors(candidate, in_scale, out_scale):
    params, q = candidate.lower(in_scale, out_scale), codes(candidate)
    y = candidate.integer(q, params).double() * out_scale
    return (y - candidate.ideal(q.double() * in_scale)).abs()


@pytest.mark.parametrize('name', NAMES)
@settings(max_examples=200)
@given(in_exponent=st.floats(-12, 2), ratio_exponent=st.floats(-20, 7))
@example(in_exponent=2, ratio_exponent=0)
@example(in_exponent=2, ratio_exponent=-20)
@example(in_exponent=-12, ratio_exponent=-20)
@example(in_exponent=-12, ratio_exponent=7)
@example(in_exponent=0.875, ratio_exponent=1)
def test_integer_stays_within_its_bound(name, in_exponent, ratio_exponent):
    """An output finer than the input shows what lies behind the rounding."""
    in_scale = 2**in_exponent
    out_scale = in_scale * 2**ratio_exponent
    candidate = APPROXIMATIONS.get(name)()
    bound = candidate.error_bound(in_scale, out_scale)
    # Half an output step is met to the last bit, which floats round.
    assert errors(candidate, in_scale, out_scale).max() <= bound * (1 + 1e-12)


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('scale', [2.**-12, 0.02, 0.1, 1., 4.])
def test_only_the_output_rounding_matters(name, scale):
    """Half a step, and a hundredth of one."""
    candidate = APPROXIMATIONS.get(name)()
    assert candidate.error_bound(scale, scale) <= 0.51 * scale


@pytest.mark.parametrize('name', NAMES)
def test_saturated_ends_are_exact(name):
    cls = APPROXIMATIONS.get(name)
    q = codes(cls)
    y = cls.integer(q, cls().lower(0.5, 0.5))
    assert torch.equal(y[q >= 40], q[q >= 40].long())
    assert (y[q <= -40] == 0).all()
    assert y[q == 0] == 0


@pytest.mark.parametrize('a, b', [(-0.05, -1.5), (-0.1, -2.), (-0.007, -4.),
                                  (-0.99, -1.)])
def test_poly_gelu_with_other_coefficients(a, b):
    candidate = PolyGELU(a, b)
    for scale in (2.**-12, 0.03, 4.):
        for ratio in (1., 2.**-20):
            bound = candidate.error_bound(scale, scale * ratio)
            assert errors(candidate, scale, scale * ratio).max() <= bound


@pytest.mark.parametrize('a, b', [(0.1, -2.), (-1., -1.), (-0.01, -4.1),
                                  (-0.1, -0.9), (-0.02, -3.5),
                                  (math.nan, -2.)])
def test_coefficients_that_would_overflow_are_refused(a, b):
    with pytest.raises(ValueError, match='coefficients'):
        PolyGELU(a, b)


def figures(candidate):
    error = candidate.ideal(RANGE) - F.gelu(RANGE)
    return error.square().mean().sqrt().item(), error.abs().max().item()


def test_poly_gelu_has_the_published_error():
    rms, largest = figures(PolyGELU())
    assert round(rms, 4) == 0.0051
    assert round(largest, 4) == 0.0093


def test_i_gelu_has_the_published_error():
    assert round(figures(IGELU())[1], 3) == 0.018


def test_shift_gelu_is_a_sigmoid_of_its_shift_exponential():
    """At x with 1.6875 1.4375 |x| = 1 the exponential is exactly 1/2."""
    x = torch.tensor([1., -1.], dtype=torch.float64) / (1.6875 * 1.4375)
    expected = x * torch.tensor([2 / 3, 1 / 3], dtype=torch.float64)
    torch.testing.assert_close(ShiftGELU().ideal(x), expected)
    assert figures(ShiftGELU())[1] < 0.03


@pytest.mark.parametrize('in_scale', [2.**-12, 0.013, 0.1, 1., 4.])
def test_table_gelu_is_gelu_within_half_a_step(in_scale):
    q = codes(TableGELU)
    for out_scale in (in_scale, in_scale / 3, in_scale * 5):
        y = TableGELU.integer(q, TableGELU().lower(in_scale, out_scale))
        error = y.double() * out_scale - F.gelu(q.double() * in_scale)
        assert error.abs().max() <= out_scale * (0.5 + 1e-9)
