"""The product that CUDA has, run on the CPU: equal to int32 ``@``."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm.ops.int_mm import int_mm, matmul

sizes = st.integers(1, 40)
seeds = st.integers(0, 2**31 - 1)
few = settings(max_examples=100)
fills = st.sampled_from([None, -128, 127])  # None: all codes


def codes(fill, generator, *shape):
    if fill is not None:
        return torch.full(shape, fill, dtype=torch.int8)
    return torch.randint(-128, 128, shape, generator=generator,
                         dtype=torch.int8)


def expected(x, y):
    return (x.to(torch.int64) @ y.to(torch.int64)).to(torch.int32)


def same(x, y):
    product = int_mm(x, y)
    assert product.dtype == torch.int32
    assert torch.equal(product, expected(x, y))
    assert torch.equal(matmul(x, y), product)


@pytest.fixture(autouse=True)
def rules(monkeypatch):
    """What ``torch._int_mm`` asks for on CUDA, and not on CPUs; exact as
    there, which it is on no CPU with AVX2 alone (sums of pairs saturate)."""

    def checked(x, y, *, out):
        assert x.dim() == y.dim() == 2
        assert x.dtype == y.dtype == torch.int8
        assert x.shape[0] > 16
        for size in y.shape:
            assert size > 0 and size % 8 == 0
        assert x.is_contiguous() and y.T.is_contiguous()
        assert out.is_contiguous()
        return out.copy_(x.int() @ y.int())

    monkeypatch.setattr(torch, '_int_mm', checked)


@few
@given(sizes, sizes, sizes, fills, fills, seeds)
def test_codes(rows, inner, columns, x_fill, y_fill, seed):
    generator = torch.Generator().manual_seed(seed)
    same(codes(x_fill, generator, rows, inner),
         codes(y_fill, generator, inner, columns))


@few
@given(sizes, sizes, sizes, seeds)
def test_weights_of_a_layer(rows, inner, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    weight = codes(None, generator, columns, inner)
    x = codes(None, generator, 2, rows, inner)
    same(x, weight.T)
    same(x[0, 0], weight.T)
    same(x[:, 0], weight.T)


@few
@given(st.integers(1, 3), st.integers(1, 3), sizes, sizes, sizes, seeds)
def test_batches(groups, heads, rows, inner, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    x = codes(None, generator, groups, rows, heads, inner).transpose(1, 2)
    y = codes(None, generator, groups, columns, heads, inner)
    same(x, y.permute(0, 2, 3, 1))


@few
@given(sizes, sizes, st.integers(0, 31), st.sampled_from([-1, 0, 1]), seeds)
def test_numbers_of_more_bits(rows, columns, bits, sign, seed):
    """All of one sign, or of both, up to where the sum leaves int32."""
    generator = torch.Generator().manual_seed(seed)
    inner = 2**7
    limit = min(2**bits, (2**31 - 1) // (128 * inner))
    x = torch.randint(0 if sign else -limit, limit + 1, (rows, inner),
                      generator=generator) * (sign or 1)
    y = codes(None, generator, inner, columns)
    same(x.to(torch.int32), y)
    same(x.to(torch.int64), y)


@pytest.mark.parametrize('x', [
    2**31 - 1, -2**31, 2**24, -2**24, 2**23 - 1, 2**20 - 1, 2**15, 2**15 - 1,
    255, 128, -129
])
def test_single_numbers(x):
    same(torch.tensor([[0, x, 0]], dtype=torch.int32),
         torch.tensor([[3], [1], [-5]], dtype=torch.int8))


@pytest.mark.parametrize('x', [127, -128])
@pytest.mark.parametrize('y', [127, -128])
def test_the_largest_accumulators(x, y):
    inner = 2**17 - 8
    same(torch.full((2, inner), x, dtype=torch.int8),
         torch.full((inner, 3), y, dtype=torch.int8))


@pytest.mark.parametrize('shape', [
    (0, 5, 7), (3, 0, 7), (3, 5, 0), (0, 0, 0)
])
@pytest.mark.parametrize('dtype', [torch.int8, torch.int32])
def test_nothing(shape, dtype):
    rows, inner, columns = shape
    y = torch.ones(inner, columns, dtype=torch.int8)
    same(torch.ones(rows, inner, dtype=dtype), y)
    same(torch.ones(2, rows, inner, dtype=dtype), y.expand(2, -1, -1))
    same(torch.ones(0, rows, inner, dtype=dtype), y.expand(0, -1, -1))
