"""The native Softmax against the reference: equal in every bit."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm import ops
from iptq_mm.guard import IntegerOnly
from iptq_mm.ops import REFERENCES, native
from iptq_mm.registry import APPROXIMATIONS

from native_kernels import isa, no_reference  # noqa: F401

pytestmark = pytest.mark.skipif(
    not native.available(), reason='installed without the native kernels')

NAMES = sorted(name for name, cls in APPROXIMATIONS.module_dict.items()
               if cls.kind == 'softmax')
LIMIT = 2**24
lengths = st.integers(1, 130)
seeds = st.integers(0, 2**31 - 1)
few = settings(max_examples=40)


def expected(x, name, params):
    with IntegerOnly():
        return REFERENCES['iptq::softmax'](x, name, params)


def same_bits(x, name, params):
    with no_reference():
        result = ops.softmax(x, name, params)
    assert result.dtype == APPROXIMATIONS.get(name).out_dtype
    assert torch.equal(result, expected(x, name, params))


def scores(seed, limit, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-limit, limit + 1, shape, generator=generator,
                         dtype=torch.int32)


@pytest.mark.parametrize('name', NAMES)
@few
@given(st.integers(1, 20), lengths, st.integers(0, 24), st.integers(-8, 24),
       st.integers(2, 8), seeds)
def test_rows(name, rows, length, spread, scale, bits, seed):
    params = APPROXIMATIONS.get(name)().lower(2.0**-scale, bits)
    same_bits(scores(seed, 2**spread, rows, length), name, params)


@pytest.mark.parametrize('name', NAMES)
@few
@given(lengths, st.integers(-8, 24), seeds)
def test_extreme_scores(name, length, scale, seed):
    """At the two ends of the range, all of them or some."""
    params = APPROXIMATIONS.get(name)().lower(2.0**-scale)
    x = scores(seed, 1, 4, length) * LIMIT
    x[:3] = x[:3].where(x[:3] != 0, LIMIT)
    x[0], x[1] = LIMIT, -LIMIT
    same_bits(x, name, params)


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('length', [131, 1000, 4096])
def test_long_rows(name, length):
    params = APPROXIMATIONS.get(name)().lower(2.0**-10)
    x = scores(length, 3000, 5, length)
    x[0], x[1] = 7, -LIMIT
    x[1, -1] = LIMIT
    same_bits(x, name, params)


@pytest.mark.parametrize('name', NAMES)
def test_any_layout(name):
    params = APPROXIMATIONS.get(name)().lower(2.0**-6)
    x = scores(0, 500, 6, 5, 7)
    same_bits(x.transpose(0, 2), name, params)
    same_bits(x[:, 1:4, ::2], name, params)
    same_bits(x[0, 0], name, params)
    same_bits(x[None, 2:3].expand(4, -1, -1, -1), name, params)


def test_what_is_left_to_the_reference():
    params = APPROXIMATIONS.get('bit_softmax')().lower(2.0**-6)
    for x in (scores(0, 500, 2, 4097), scores(0, 500, 2, 9).to(torch.int64),
              scores(0, 500, 0, 9)):
        result = ops.softmax(x, 'bit_softmax', params)
        assert torch.equal(result, expected(x, 'bit_softmax', params))
        if x.numel():
            with (no_reference(),
                  pytest.raises(AssertionError, match='left')):
                ops.softmax(x, 'bit_softmax', params)


def test_other_threads_other_bits_do_not():
    params = APPROXIMATIONS.get('table_softmax')().lower(2.0**-6)
    x = scores(0, 500, 1000, 50)
    reference = expected(x, 'table_softmax', params)
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            result = ops.softmax(x, 'table_softmax', params)
            assert torch.equal(result, reference)
    finally:
        torch.set_num_threads(threads)
