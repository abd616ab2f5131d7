"""Softmax candidates: bounds over rows of every sort."""
import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iptq_mm.functions import BitSoftmax, LogIntSoftmax, TableSoftmax
from iptq_mm.functions.fixed_point import ONE
from iptq_mm.functions.softmax import log2_code
from iptq_mm.functions.softmax.row import probability_error
from iptq_mm.registry import APPROXIMATIONS

NAMES = sorted(name for name, cls in APPROXIMATIONS.module_dict.items()
               if cls.kind == 'softmax')
LARGEST = 2**24


def generator(seed):
    return torch.Generator().manual_seed(seed)


def random_row(n, scale, seed):
    """Of a few real units, as attention scores are."""
    scores = torch.randn(n, generator=generator(seed)) * 3 / scale
    return scores.round().clamp(-LARGEST, LARGEST)


def wide_row(n, scale, seed):
    return torch.randint(
        -LARGEST, LARGEST + 1, (n, ), generator=generator(seed))


def equal_row(n, scale, seed):
    return torch.full((n, ), seed % 2 * 2 * LARGEST - LARGEST)


def one_hot_row(n, scale, seed):
    row = torch.full((n, ), -LARGEST)
    row[seed % n] = LARGEST
    return row


def masked_row(n, scale, seed):
    row = random_row(n, scale, seed).clamp(-2**15, 2**15)
    row[seed % n + 1:] -= round(100 / scale)
    return row


def fully_masked_row(n, scale, seed):
    return random_row(n, scale, seed).clamp(-2**15, 2**15) - round(
        100 / scale)


def stairs_row(n, scale, seed):
    """Down from the maximum step by step: over every octave, to the end."""
    return LARGEST - torch.arange(n) * (1 + seed % 7)


ROWS = [random_row, wide_row, equal_row, one_hot_row, masked_row,
        fully_masked_row, stairs_row]


def outputs(cls, x, scale, bits=8):
    """Dequantized integer and ideal probabilities, float64."""
    y = cls.integer(x, cls().lower(scale, bits))
    assert torch.equal(y.to(cls.out_dtype).long(), y.long())
    ideal = cls().ideal(x.double() * scale)
    if cls.name != 'log_int_softmax':
        ideal = ideal.clamp(max=1 - 2**-bits)
    return y.double() * cls.out_scale(bits), ideal


@pytest.mark.parametrize('name', NAMES)
@settings(max_examples=300)
@given(make=st.sampled_from(ROWS), n=st.integers(1, 64) | st.integers(1, 4096),
       exponent=st.floats(-12, 2), seed=st.integers(0, 2**16),
       bits=st.integers(2, 18))
@example(make=wide_row, n=4096, exponent=2, seed=0,
         bits=8)
@example(make=wide_row, n=4096, exponent=-12, seed=0,
         bits=8)
@example(make=random_row, n=4096, exponent=-12, seed=0,
         bits=8)
@example(make=equal_row, n=4096, exponent=2, seed=1,
         bits=8)
@example(make=one_hot_row, n=1, exponent=-12, seed=0,
         bits=8)
@example(make=one_hot_row, n=4096, exponent=-12, seed=5,
         bits=8)
@example(make=stairs_row, n=4096, exponent=-12, seed=6,
         bits=8)
@example(make=stairs_row, n=2, exponent=-11, seed=0, bits=2)
def test_integer_stays_within_its_bound(name, make, n, exponent, seed, bits):
    scale = 2**exponent
    cls = APPROXIMATIONS.get(name)
    x = make(n, scale, seed).to(torch.int32)
    y, ideal = outputs(cls, x, scale, bits)
    assert (y - ideal).abs().max() <= cls().error_bound(scale, n, bits)
    assert (y >= 0).all()


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('bits', [1, 19])
def test_widths_that_no_output_has_are_refused(name, bits):
    with pytest.raises(ValueError, match=f'not {bits}'):
        APPROXIMATIONS.get(name)().lower(0.01, bits)


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('scale', [2.**-12, 0.01, 1., 4., 2.**10])
class TestEveryCandidate:

    def test_does_not_see_a_common_offset(self, name, scale):
        cls = APPROXIMATIONS.get(name)
        params = cls().lower(scale)
        x = random_row(49, scale, 0).to(torch.int32).clamp(-2**23, 2**23)
        y = cls.integer(x, params)
        for offset in (-2**23, -1, 2**23):
            assert torch.equal(cls.integer(x + offset, params), y)

    def test_gives_equal_scores_equal_probabilities(self, name, scale):
        cls = APPROXIMATIONS.get(name)
        for n in (1, 2, 4, 64):
            y = cls.integer(torch.zeros(n, dtype=torch.int32),
                            cls().lower(scale))
            assert y.tolist() == [min(round(1 / n / cls.out_scale()), y.max())
                                  ] * n
            assert y[0] * cls.out_scale() >= 255 / 256 / n

    def test_gives_masked_scores_nothing(self, name, scale):
        cls = APPROXIMATIONS.get(name)
        x = torch.zeros(2, 49, dtype=torch.int32)
        x[:, 20:] = -max(round(100 / scale), 1)
        if scale * -x[0, -1] < 30:
            pytest.skip('a mask of less than 30')
        y = cls.integer(x, cls().lower(scale))
        assert (y[:, 20:] == 0).all() and (y[:, :20] > 0).all()

    def test_follows_the_order_of_rows_and_columns(self, name, scale):
        cls = APPROXIMATIONS.get(name)
        params = cls().lower(scale)
        x = random_row(60, scale, 1).to(torch.int32).view(2, 3, 10)
        order = torch.randperm(10, generator=generator(2))
        y = cls.integer(x, params)
        assert torch.equal(cls.integer(x[..., order], params), y[..., order])
        assert torch.equal(cls.integer(x.flip(0), params), y.flip(0))


@settings(max_examples=200)
@given(make=st.sampled_from(ROWS), n=st.integers(1, 4096),
       exponent=st.floats(-12, 2), seed=st.integers(0, 2**16),
       bits=st.integers(2, 18))
def test_table_softmax_is_softmax_within_half_a_step(make, n, exponent, seed,
                                                     bits):
    scale = 2**exponent
    x = make(n, scale, seed).to(torch.int32)
    y, _ = outputs(TableSoftmax, x, scale, bits)
    exact = (x.double() * scale).softmax(-1).clamp(max=1 - 2**-bits)
    tiny = 8e-6 + n * 2**-24
    assert (y - exact).abs().max() <= 2**-(bits + 1) + tiny


def test_bit_softmax_away_from_its_jump():
    """The wide part of its bound is needed at the jump only."""
    scale = 0.01
    x = random_row(4900, scale, 3).to(torch.int32).view(100, 49)
    depth = (x - x.amax(-1, keepdim=True)).double() * scale / math.log(2)
    clear = ((depth - depth.floor() - 0.5).abs() > 2**-22).all(-1)
    assert clear.sum() > 90
    y, ideal = outputs(BitSoftmax, x[clear], scale)
    assert (y - ideal).abs().max() <= 2**-9 + 2**-20 + 49 * 2**-24


def test_log_int_softmax_gives_powers_of_two():
    x = random_row(4900, 0.01, 4).to(torch.int32).view(100, 49)
    params = LogIntSoftmax().lower(0.01)
    y = LogIntSoftmax.integer(x, params)
    assert set(y.unique().tolist()) <= {0, *(2**k for k in range(16))}
    p = LogIntSoftmax().ideal(x.double() * 0.01)
    error = (y * LogIntSoftmax.out_scale() - p).abs()
    assert (error <= p * (0.5 + 1e-4) + 2**-22).logical_or(
        p < 2**-15.5).all()


@pytest.mark.parametrize('n, code', [
    (1, 0), (2, 1), (3, 2), (4, 2), (5, 2), (6, 3), (11, 3), (12, 4),
    (64, 6), (3071, 11), (3072, 12)
])
def test_log_int_softmax_rounds_the_logarithm_at_three_halves(n, code):
    """n equal scores: the quotient is n, whose leading two bits decide."""
    y = LogIntSoftmax.integer(
        torch.zeros(n, dtype=torch.int32), LogIntSoftmax().lower(0.01))
    assert y.tolist() == [2**(15 - code)] * n


@pytest.mark.parametrize('exp, value', [
    (2**23, 2**13), (512, 1), (342, 1), (341, 0), (1, 0), (0, 0)
])
def test_log2_codes_end_at_fifteen(exp, value):
    """Beside one score of 1: quotients of 3, and around 2^15 and 3 2^14."""
    y = log2_code.log2_probabilities(torch.tensor([ONE, exp]))
    assert y[1] == value


@pytest.mark.parametrize('name', sorted(set(NAMES) - {'log_int_softmax'}))
@pytest.mark.parametrize('n', [197, 1025, 4096])
def test_small_probabilities_keep_their_bits(name, n):
    """Spread over many tokens, the largest probability is below 2^-7."""
    cls, scale = APPROXIMATIONS.get(name), 2.**-10
    scores = torch.linspace(-1, 0, n).div(scale).round().int()
    y, ideal = outputs(cls, scores, scale)
    assert ideal.max() < 2**-6
    half_step = 2.**-8 * ideal.max()
    assert (y - ideal).abs().max() <= half_step + 2**-20


@pytest.mark.parametrize('name', NAMES)
@settings(max_examples=100)
@given(st.sampled_from(ROWS), st.integers(1, 4096),
       st.floats(2.**-24, 2.**20), st.integers(2, 8),
       st.integers(0, 10**6))
def test_codes_of_attention_are_within_half_of_one(name, make, n, scale, bits,
                                                   seed):
    cls = APPROXIMATIONS.get(name)
    x = make(n, scale, seed).to(torch.int32)
    params = cls().lower(scale, bits)
    codes, share = cls.codes(x, params)
    assert share.shape == (1, ) and 2**17 < share <= 2**30
    y = codes * share * (cls.code_scale(bits) / 2**30)
    ideal = cls().ideal(x.double() * scale)
    if name == 'log_int_softmax':
        assert torch.equal(codes, cls.integer(x, params))
        assert (y - ideal).abs().max() <= cls().error_bound(scale, n, bits)
        return
    assert 0 <= codes.min() and codes.max() == 2**bits - 1
    half = cls.code_scale(bits) / 2 * share / 2**30
    exponential = cls.approximation.relative_error
    others = probability_error(exponential, n) + 2 * exponential + 2**-17
    assert (y - ideal).abs().max() <= half + others


@pytest.mark.parametrize('name', sorted(set(NAMES) - {'log_int_softmax'}))
def test_codes_of_attention_use_all_of_their_width(name):
    """Where fractions of the sum have 7 bits: a sum just below a power of
    two."""
    cls, scale = APPROXIMATIONS.get(name), 2.**-10
    codes, _ = cls.codes(torch.zeros(63, dtype=torch.int32),
                         cls().lower(scale))
    assert codes.tolist() == [255] * 63
