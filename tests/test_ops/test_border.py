"""The borders: rounding, saturation, and the kernels in every bit."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm import ops
from iptq_mm.ops import REFERENCES, native

from native_kernels import no_reference

needs_kernels = pytest.mark.skipif(
    not native.available(), reason='installed without the native kernels')
scales = st.tuples(st.integers(2**30, 2**31 - 1), st.integers(20, 62))
shapes = st.tuples(*[st.integers(1, 20)] * 4)
seeds = st.integers(0, 2**31 - 1)


def scale(m, n):
    return torch.tensor(m), torch.tensor(n)


def same_bits(name, *args):
    with no_reference():
        result = getattr(ops, name)(*args)
    expected = REFERENCES[f'iptq::{name}'](*args)
    assert result.dtype == expected.dtype and result.shape == expected.shape
    assert torch.equal(result, expected)


@needs_kernels
@settings(max_examples=60)
@given(seeds, st.integers(1, 300), scales, st.integers(2, 8),
       st.floats(2.0**-12, 2.0**12))
def test_quantize_in_kernels(seed, count, mn, bits, spread):
    generator = torch.Generator().manual_seed(seed)
    step = mn[0] / 2**mn[1]
    x = torch.randn(count, generator=generator) * step * spread
    halves = torch.arange(-200, 200) * (step / 2)
    special = torch.tensor([0., -0., float('inf'), -float('inf'),
                            float('nan'), 3e38, -3e38, 1e-45])
    same_bits('quantize', torch.cat([x, halves, special]), *scale(*mn), bits)


@needs_kernels
@settings(max_examples=60)
@given(seeds, shapes, scales, st.sampled_from([torch.int8, torch.int16]))
def test_dequantize_in_kernels(seed, shape, mn, dtype):
    info = torch.iinfo(dtype)
    q = torch.randint(info.min, info.max + 1, shape, dtype=dtype,
                      generator=torch.Generator().manual_seed(seed))
    same_bits('dequantize', q, *scale(*mn))
    same_bits('dequantize_maps', q, *scale(*mn))


@needs_kernels
@settings(max_examples=60)
@given(seeds, shapes, st.integers(1, 9))
def test_pixels_in_kernels(seed, shape, patch):
    generator = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 256, shape, dtype=torch.uint8,
                          generator=generator)
    padding = torch.randint(-128, 128, shape[1:2], dtype=torch.int8,
                            generator=generator)
    same_bits('center_pixels', image, padding, patch)


@needs_kernels
@pytest.mark.parametrize('threads', [1, 2])
def test_large_ones_on_threads(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(2, 3, 131, 127, generator=generator)
        same_bits('quantize', x, *scale(2**30, 36), 8)
        q = torch.randint(-2**15, 2**15, (2, 53, 47, 37), dtype=torch.int16,
                          generator=generator)
        same_bits('dequantize', q, *scale(2**30, 36))
        same_bits('dequantize_maps', q, *scale(2**30, 36))
    finally:
        torch.set_num_threads(before)


def test_what_is_no_number_is_zero_and_what_is_beyond_saturates():
    x = torch.tensor([float('nan'), float('inf'), -float('inf')])
    assert ops.quantize(x, *scale(2**30, 30), 6).tolist() == [0, 31, -31]


def test_maps_are_those_of_float_networks():
    q = torch.arange(24, dtype=torch.int16).view(1, 2, 3, 4)
    maps = ops.dequantize_maps(q, *scale(2**30, 31))
    assert maps.shape == (1, 4, 2, 3) and maps.is_contiguous()
    assert maps[0, 3, 1, 2] == 23 / 2


@pytest.mark.parametrize('call', [
    lambda *scale: ops.quantize(torch.ones(2), *scale, 8),
    lambda *scale: ops.dequantize(torch.ones(2, dtype=torch.int8), *scale),
    lambda *scale: ops.dequantize_maps(
        torch.ones(1, 1, 1, 2, dtype=torch.int8), *scale)
])
def test_an_empty_model_says_so(call):
    with pytest.raises(RuntimeError, match='is empty: load an int_model.pth'):
        call(*scale(0, 0))
