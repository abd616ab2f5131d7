"""The arithmetic contract against exact rational arithmetic."""
import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm import arithmetic

INT64 = 2**63
quick = settings(max_examples=200)



def exact_rshift(x, n):
    return math.floor(Fraction(x, 2**n) + Fraction(1, 2)) if n else x


@quick
@given(st.integers(0, 62).flatmap(lambda n: st.tuples(
    st.integers(-INT64, INT64 - 1 - ((1 << n) >> 1)), st.just(n))))
def test_rshift_rounds_half_up(case):
    x, n = case
    tensor = torch.tensor([x])
    assert arithmetic.rshift(tensor, n).item() == exact_rshift(x, n)
    assert arithmetic.rshift(
        tensor, torch.tensor([n])).item() == exact_rshift(x, n)


@pytest.mark.parametrize('x, n, result', [
    (1, 1, 1), (-1, 1, 0), (3, 1, 2), (-3, 1, -1), (5, 0, 5), (-5, 2, -1),
    (-6, 2, -1), (-7, 2, -2), (2**62, 62, 1), (2**61, 62, 1),
    (2**61 - 1, 62, 0), (-INT64, 62, -2)
])
def test_rshift_ties_and_ends(x, n, result):
    assert arithmetic.rshift(torch.tensor(x), n).item() == result


def test_rshift_widens_and_broadcasts():
    x = torch.tensor([[127, -127]], dtype=torch.int8)
    n = torch.tensor([[0], [1]], dtype=torch.int32)
    y = arithmetic.rshift(x, n)
    assert y.dtype == torch.int64
    assert y.tolist() == [[127, -127], [64, -63]]


@quick
@given(st.floats(2.**-32, 2.**30))
def test_dyadic_is_within_two_to_minus_31(ratio):
    m, n = arithmetic.dyadic(ratio)
    assert 2**30 <= m < 2**31 and 0 <= n <= 62
    error = abs(Fraction(m, 2**n) - Fraction(ratio)) / Fraction(ratio)
    assert error <= Fraction(1, 2**31)


@pytest.mark.parametrize('ratio', [
    2.**-32, 2.**30, 1., 1 - 2**-53, 1 - 2.**-32, 2.**30 * (1 - 2**-53), 0.1
])
def test_dyadic_at_the_ends_and_below_powers_of_two(ratio):
    m, n = arithmetic.dyadic(ratio)
    assert 2**30 <= m < 2**31 and 0 <= n <= 62
    assert abs(m / 2**n / ratio - 1) <= 2**-31


@pytest.mark.parametrize('ratio', [
    0., -1., math.inf, -math.inf, math.nan, 2.**-33, 2.**31, 5e-324
])
def test_dyadic_refuses(ratio):
    with pytest.raises(ValueError, match='ratio'):
        arithmetic.dyadic(ratio)


def test_dyadic_refuses_beyond_a_smaller_largest_shift():
    assert arithmetic.dyadic(2.**-9, max_shift=39) == (2**30, 39)
    with pytest.raises(ValueError, match='far apart'):
        arithmetic.dyadic(2.**-10, max_shift=39)


INT32 = st.integers(-2**31 + 1, 2**31 - 1)


@quick
@given(INT32, INT32, st.integers(0, 62))
def test_multiply_shift_is_exact(x, m, n):
    exact = exact_rshift(x * m, n)
    for kind in (torch.int32, torch.int64):
        assert arithmetic.multiply_shift(
            torch.tensor([x], dtype=kind), m, n).item() == exact
    assert arithmetic.multiply_shift(
        torch.tensor([x]), torch.tensor([m]),
        torch.tensor([n])).item() == exact


@quick
@given(INT32, st.integers(2**30, 2**31 - 1), st.integers(0, 62),
       st.sampled_from([4, 8, 16, 32]))
def test_requantize_saturates_symmetrically(x, m, n, bits):
    limit = 2**(bits - 1) - 1
    y = arithmetic.requantize(torch.tensor([x]), m, n, bits)
    assert y.item() == max(-limit, min(limit, exact_rshift(x * m, n)))
    assert y.dtype == {4: torch.int8, 8: torch.int8, 16: torch.int16,
                       32: torch.int32}[bits]


def test_requantize_a_multiplier_per_channel():
    y = arithmetic.requantize(
        torch.tensor([[1000, 1000]]), torch.tensor([2**30, 2**30]),
        torch.tensor([32, 35]), 8)
    assert y.tolist() == [[127, 31]]


def test_narrow_never_gives_the_most_negative_number():
    x = torch.tensor([-INT64, INT64 - 1])
    for bits in (4, 8, 16, 32):
        limit = arithmetic.qmax(bits)
        assert arithmetic.narrow(x, bits).tolist() == [-limit, limit]


@quick
@given(st.integers(-INT64, INT64 - 1), st.integers(1, INT64 - 1))
def test_floor_divide_rounds_down(x, y):
    assert arithmetic.floor_divide(torch.tensor([x]), y).item() == x // y
    assert arithmetic.floor_divide(
        torch.tensor([x]), torch.tensor([y])).item() == x // y


@quick
@given(st.lists(st.integers(0, 2**62 - 1), min_size=1))
def test_isqrt_is_the_exact_floor(values):
    roots = arithmetic.isqrt(torch.tensor(values)).tolist()
    assert roots == [math.isqrt(value) for value in values]


@quick
@given(st.lists(st.integers(1, 2**31 - 1), min_size=1))
def test_isqrt_beside_perfect_squares(roots):
    squares = torch.tensor(roots)**2
    assert arithmetic.isqrt(squares).tolist() == roots
    assert arithmetic.isqrt(squares - 1).tolist() == [r - 1 for r in roots]
    assert arithmetic.isqrt(squares + 1).tolist() == [
        math.isqrt(r * r + 1) for r in roots]


def test_isqrt_at_the_ends():
    x = torch.tensor([0, 1, 2, 3, 4, 2**62 - 1, (2**31 - 1)**2])
    assert arithmetic.isqrt(x).tolist() == [
        0, 1, 1, 1, 2, 2**31 - 1, 2**31 - 1]
