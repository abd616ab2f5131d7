"""Native kernels against the references: equal in every bit."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm import ops
from iptq_mm.functions import (
    BitSoftmax,
    ILayerNorm,
    LogIntSoftmax,
    PolyGELU,
    PTFLayerNorm,
    TableGELU,
)
from iptq_mm.guard import IntegerOnly, integer_only_regions
from iptq_mm.ops import REFERENCES, native
from iptq_mm.ops.native.core import NO_MEMORY, OK, UNSUPPORTED, succeeded
from iptq_mm.registry import APPROXIMATIONS

from native_kernels import isa, no_reference  # noqa: F401
from quantized import float_swin, quantized

pytestmark = pytest.mark.skipif(
    not native.available(), reason='installed without the native kernels')

SOFTMAXES = ['bit_softmax', 'shiftmax', 'i_softmax', 'table_softmax',
             'log_int_softmax']
sizes = st.integers(1, 130)
seeds = st.integers(0, 2**31 - 1)
few = settings(max_examples=40)


def same_bits(name, *args):
    assert torch._C._dispatch_has_kernel_for_dispatch_key(
        f'iptq::{name}', 'CPU')
    with no_reference():
        same_bits_by_any(name, *args)


def same_bits_by_any(name, *args):
    result = getattr(ops, name)(*args)
    with IntegerOnly():  # opens the operators that a reference calls
        expected = REFERENCES[f'iptq::{name}'](*args)
    assert result.dtype == expected.dtype
    assert torch.equal(result, expected)


class Draw:
    """Seeded integers: anything in the range, or its two ends only."""

    def __init__(self, seed, extreme=False):
        self.generator = torch.Generator().manual_seed(seed)
        self.extreme = extreme

    def __call__(self, limit, *shape, dtype=torch.int64):
        x = torch.randint(-limit, limit + 1, shape, generator=self.generator)
        if self.extreme:
            x = torch.where(x < 0, -limit, limit)
        return x.to(dtype)

    def layer(self, inputs, outputs, shift, weights=127):
        """Arguments of a linear layer after x: |w| up to ``weights``, shifts
        around ``shift``."""
        m = 2**30 + self(2**29, outputs).abs()
        return (self(weights, outputs, inputs, dtype=torch.int8),
                self(2**20, outputs, dtype=torch.int32), m,
                shift + self(2, outputs))


layers = st.tuples(sizes, sizes, sizes, st.integers(33, 50), seeds,
                   st.booleans())
weights = st.sampled_from([127, 32, 31])  # 6 bits have their own kernels


@few
@given(layers, weights, st.sampled_from([2, 4, 8, 9, 16]))
def test_linear(layer, weights, bits):
    rows, inputs, outputs, shift, seed, extreme = layer
    draw = Draw(seed, extreme)
    same_bits('linear', draw(127, rows, inputs, dtype=torch.int8),
              *draw.layer(inputs, outputs, shift, weights), bits)


@few
@given(layers, weights)
def test_linear_wide(layer, weights):
    rows, inputs, outputs, shift, seed, extreme = layer
    draw = Draw(seed, extreme)
    same_bits('linear_wide', draw(32767, rows, inputs, dtype=torch.int16),
              *draw.layer(inputs, outputs, shift, weights))


@few
@given(layers, weights)
def test_linear_add(layer, weights):
    rows, inputs, outputs, shift, seed, extreme = layer
    draw = Draw(seed, extreme)
    same_bits('linear_add', draw(127, rows, inputs, dtype=torch.int8),
              *draw.layer(inputs, outputs, shift, weights),
              draw(32767, rows, outputs, dtype=torch.int16))


@pytest.mark.parametrize('candidate', [PolyGELU(), TableGELU()])
@few
@given(layers, weights, st.sampled_from([4, 8]), st.floats(0, 1),
       st.floats(0, 1))
def test_linear_gelu(candidate, layer, weights, bits, first, second):
    rows, inputs, outputs, shift, seed, extreme = layer
    draw = Draw(seed, extreme)
    same_bits('linear_gelu', draw(127, rows, inputs, dtype=torch.int8),
              *draw.layer(inputs, outputs, shift, weights),
              bits + candidate.extra_bits, candidate.name,
              torch.stack([
                  ops.with_zero_point(-90, candidate.lower(0.03, 0.02)),
                  ops.with_zero_point(-70, candidate.lower(0.05, 0.03)),
                  ops.with_zero_point(-20, candidate.lower(0.04, 0.01))
              ]), [*sorted(round(share * outputs)
                           for share in (first, second)), outputs], bits)


@pytest.mark.parametrize('inputs', [3072, 4096])
def test_linear_holds_the_largest_accumulator(inputs):
    x = torch.full((7, inputs), 127, dtype=torch.int8)
    weight = torch.full((50, inputs), -127, dtype=torch.int8)
    bias = torch.full((50, ), -(2**31 - 1 - inputs * 127**2),
                      dtype=torch.int32)
    m, n = torch.full((50, ), 2**31 - 1), torch.full((50, ), 47)
    same_bits('linear', x, weight, bias, m, n, 16)
    same_bits('linear', -x, weight, -bias, m, n, 16)


@pytest.mark.parametrize('code', [127, -128])
@pytest.mark.parametrize('weight', [31, -31, -32])
def test_linear_of_6_bits_holds_the_largest_accumulator(weight, code):
    x = torch.full((7, 4093), code, dtype=torch.int8)
    draw = Draw(0)
    _, bias, m, n = draw.layer(1, 50, 48)
    same_bits('linear', x, torch.full((50, 4093), weight, dtype=torch.int8),
              bias, m, n, 16)


@few
@given(sizes, sizes, sizes, st.booleans(), st.sampled_from([27, 28, 31]),
       st.sampled_from([0, 58, 59, 62]), seeds)
def test_linear_of_6_bits_at_the_ends(rows, inputs, outputs, ends, reach,
                                      shift, seed):
    """Accumulators as large as int32 can hold."""
    draw = Draw(seed)

    def codes(least, most, *shape):
        x = torch.randint(least, most + 1, shape, generator=draw.generator)
        if ends:
            x = torch.where(x < 0, least, most)
        return x.to(torch.int8)

    weight = codes(-32, 31, outputs, inputs)
    room = 2**reach - 1 - 128 * weight.long().abs().sum(1)
    bias = (draw(1, outputs) * room).int()
    same_bits('linear', codes(-128, 127, rows, inputs), weight, bias,
              2**30 + draw(2**29, outputs).abs(),
              torch.full((outputs, ), shift or reach + 18), 16)


def test_linear_of_6_bits_and_many_inputs():
    x = torch.full((3, 2**17), -128, dtype=torch.int8)
    weight = torch.full((5, 2**17), -32, dtype=torch.int8)
    _, bias, m, n = Draw(0).layer(1, 5, 45)
    same_bits('linear', x, weight, bias, m, n, 16)


@few
@given(sizes, st.integers(0, 62), seeds)
def test_linear_with_any_shift(inputs, shift, seed):
    draw = Draw(seed)
    weight, bias, m, _ = draw.layer(inputs, 5, 0)
    same_bits_by_any('linear', draw(127, 3, inputs, dtype=torch.int8), weight,
                     bias, m, torch.full((5, ), shift), 16)


def test_linear_sees_that_its_weights_changed():
    draw = Draw(0)
    x = draw(127, 4, 8, dtype=torch.int8)
    layer = draw.layer(8, 6, 40)
    same_bits('linear', x, *layer, 16)
    layer[0].copy_(draw(127, 6, 8))
    same_bits('linear', x, *layer, 16)
    layer[0].data = draw(7, 6, 8, dtype=torch.int8)
    same_bits('linear', x, *layer, 16)
    with torch.inference_mode():
        weight = draw(127, 6, 8, dtype=torch.int8)
        same_bits('linear', x, weight, *layer[1:], 16)
        weight.neg_()
        same_bits('linear', x, weight, *layer[1:], 16)


images = st.tuples(st.integers(1, 2), st.integers(1, 20), st.integers(1, 20),
                   st.integers(1, 40))


@few
@given(images, st.sampled_from([1, 3, 5]), st.integers(1, 3),
       st.integers(0, 3), st.booleans(), sizes, weights,
       st.sampled_from([4, 8, 16]), seeds)
def test_conv2d(image, kernel, stride, padding, relu, outputs, weights, bits,
                seed):
    batch, height, width, channels = image
    height, width = max(height, kernel), max(width, kernel)
    draw = Draw(seed)
    same_bits('conv2d',
              draw(127, batch, height, width, channels, dtype=torch.int8),
              *draw.layer(kernel**2 * channels, outputs, 44, weights), kernel,
              stride, padding, relu, bits)


def test_conv2d_of_unusual_images():
    draw = Draw(2)
    layer = draw.layer(45, 6, 42)
    same_bits('conv2d', draw(127, 2, 5, 9, 8, dtype=torch.int8)
              .permute(0, 2, 3, 1), *layer, 3, 1, 1, True, 8)
    same_bits('conv2d', draw(127, 2, 9, 8, 5, dtype=torch.int8)[:, ::2, 1:],
              *layer, 3, 1, 1, True, 8)
    same_bits('conv2d', draw(127, 1, 1, 1, 5, dtype=torch.int8), *layer, 3, 2,
              1, False, 8)
    same_bits_by_any('conv2d', draw(127, 0, 4, 4, 5, dtype=torch.int8),
                     *layer, 3, 1, 1, True, 8)
    same_bits_by_any('conv2d', draw(127, 1, 4, 4, 5, dtype=torch.int16),
                     *layer, 3, 1, 1, True, 8)


def test_linear_of_strided_and_empty_inputs():
    draw = Draw(1)
    layer = draw.layer(8, 6, 40)
    same_bits_by_any('linear', draw(127, 8, 5, dtype=torch.int8).T, *layer, 8)
    same_bits_by_any('linear', draw(127, 2, 3, 8, dtype=torch.int8)[:, 1],
                     *layer, 8)
    same_bits_by_any('linear', draw(127, 0, 8, dtype=torch.int8), *layer, 8)
    same_bits_by_any('linear', draw(127, 8, dtype=torch.int8), *layer, 8)


@few
@given(sizes, sizes, seeds, st.sampled_from([2, 8, 16]),
       st.sampled_from([0, 1, 100, 32767]), st.booleans())
def test_layer_norm(rows, channels, seed, bits, spread, extreme):
    draw = Draw(seed, extreme)
    x = draw(spread, rows, channels, dtype=torch.int16)
    params = ILayerNorm().lower(
        2.0**-8, 0.02 if bits <= 8 else 1e-4,
        draw(300, channels) / 100, draw(300, channels) / 100, 1e-5)
    same_bits('layer_norm', x, 'i_layernorm', params, bits)


@few
@given(sizes, sizes, seeds, st.sampled_from([2, 8, 16]),
       st.sampled_from([1, 100, 32767]), st.booleans())
def test_layer_norm_with_factors(rows, channels, seed, bits, spread, fitted):
    draw = Draw(seed)
    x = draw(spread, rows, channels, dtype=torch.int16)
    factors = 2.0**-(draw(3, channels).abs())
    params = (PTFLayerNorm.fit(x * 2.0**-8 * factors)
              if fitted else PTFLayerNorm()).lower(
        2.0**-8, 0.02 if bits <= 8 else 1e-4,
        draw(300, channels) / 100, draw(300, channels) / 100, 1e-5)
    same_bits('layer_norm', x, 'ptf_layernorm', params, bits)


@few
@given(images, st.integers(1, 3), seeds, st.sampled_from([8, 16]),
       st.booleans())
def test_merge_layer_norm(image, stride, seed, bits, recoded):
    draw = Draw(seed)
    channels = 4 * image[-1]
    candidate = PTFLayerNorm if recoded else ILayerNorm
    params = candidate().lower(
        2.0**-8, 0.02 if bits <= 8 else 1e-4,
        draw(300, channels) / 100, draw(300, channels) / 100, 1e-5)
    same_bits('merge_layer_norm', draw(32767, *image, dtype=torch.int16),
              stride, candidate.name, params, bits)


@few
@given(sizes, st.integers(16, 62), st.integers(-2**31 + 1, 2**31 - 1),
       st.integers(0, 8), seeds)
def test_layer_norm_with_any_recoding(channels, shift, multiplier, factor,
                                      seed):
    draw = Draw(seed)
    params = PTFLayerNorm().lower(2.0**-8, 0.02, torch.ones(channels),
                                  torch.zeros(channels), 1e-5)
    params[:3] = torch.tensor([[multiplier], [shift], [factor]])
    same_bits('layer_norm', draw(32767, 20, channels, dtype=torch.int16),
              'ptf_layernorm', params, 8)


@pytest.mark.parametrize('channels', [768, 3072, 4096])
def test_layer_norm_of_extreme_rows(channels):
    draw = Draw(channels, extreme=True)
    x = draw(32767, 9, channels, dtype=torch.int16)
    x[0], x[1], x[2] = 32767, -32767, 0
    x[3], x[3, -1] = 0, 1
    params = ILayerNorm().lower(2.0**-12, 0.02, torch.ones(channels),
                                torch.zeros(channels), 1e-5)
    same_bits('layer_norm', x, 'i_layernorm', params, 8)


def dyadic_pairs(heads, ratio_bits):
    """Of each head another one."""
    return torch.tensor([[2**30 + 12345 * (head + 1), 30 + ratio_bits]
                         for head in range(heads)])


@few
@given(st.integers(1, 130), st.integers(1, 3), st.integers(1, 70), seeds,
       st.booleans(), st.integers(-3, 8), st.integers(-2, 12),
       st.sampled_from(SOFTMAXES), st.integers(2, 8))
def test_attention(length, heads, width, seed, extreme, score, scale,
                   softmax, bits):
    draw = Draw(seed, extreme)
    same_bits('attention',
              draw(127, 2, length, 3 * heads * width, dtype=torch.int8), heads,
              dyadic_pairs(heads, score), softmax,
              APPROXIMATIONS.get(softmax)().lower(2.0**-scale, bits),
              dyadic_pairs(heads,
                           15 if softmax == 'log_int_softmax' else bits), 8)


@few
@given(st.integers(1, 130), st.integers(1, 127), st.integers(3, 24),
       st.integers(2, 15), seeds)
def test_attention_by_powers_of_two(length, limit, scale, output, seed):
    """One token has a value, so that its code alone shows."""
    draw = Draw(seed)
    qkv = draw(limit, 2, length, 24, dtype=torch.int8)
    qkv[:, 1:, 16:] = 0
    same_bits('attention', qkv, 1, dyadic_pairs(1, 0), 'log_int_softmax',
              LogIntSoftmax().lower(2.0**-scale), dyadic_pairs(1, output), 8)


@few
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 12),
       st.integers(0, 11), st.integers(1, 3), st.integers(1, 40), seeds,
       st.sampled_from([0, -1, -6400, -(2**24 - 2**16)]))
def test_window_attention(height, width, window, shift, heads, head_channels,
                          seed, mask):
    draw = Draw(seed)
    channels = 3 * heads * head_channels
    same_bits('window_attention',
              draw(127, 2, height, width, channels, dtype=torch.int8),
              draw(127, channels, dtype=torch.int8), heads, window,
              shift % window,
              draw(32767, (2 * window - 1)**2, heads, dtype=torch.int16),
              torch.tensor([mask], dtype=torch.int32), dyadic_pairs(heads, 2),
              'bit_softmax', BitSoftmax().lower(2.0**-9),
              dyadic_pairs(heads, 8), 8)


@few
@given(sizes, sizes, seeds, st.sampled_from([torch.int8, torch.int16]),
       st.integers(0, 62), st.sampled_from([4, 8, 16]), st.booleans())
def test_requantize(rows, channels, seed, dtype, shift, bits, per_channel):
    draw = Draw(seed)
    count = channels if per_channel else 1
    same_bits('requantize', draw(127, rows, channels, dtype=dtype),
              draw(2**31 - 1, count), torch.full((count, ), shift), bits)


@few
@given(sizes, sizes, seeds)
def test_add(rows, channels, seed):
    draw = Draw(seed)
    x = draw(32767, 2, rows, channels, dtype=torch.int16)
    same_bits('add', x, x.flip(0))
    same_bits('add', x, x[0])
    same_bits_by_any('add', x, x[:, :1])  # broadcast otherwise


def test_gelu():
    params = ops.with_zero_point(-120, PolyGELU().lower(0.03, 0.02))
    x = torch.arange(-128, 128, dtype=torch.int8).view(2, -1)
    same_bits('gelu', x, 'poly_gelu', params, 8)
    same_bits('gelu', x.T, 'poly_gelu', params, 4)


def test_other_threads_other_bits_do_not():
    draw = Draw(3)
    args = (draw(127, 300, 100, dtype=torch.int8), *draw.layer(100, 200, 42),
            8)
    expected = ops.linear(*args)
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            assert torch.equal(ops.linear(*args), expected)
    finally:
        torch.set_num_threads(threads)


def test_an_instruction_set_this_machine_lacks_is_an_error():
    with pytest.raises(ValueError, match='neither'):
        native.set_isa('neither')


@pytest.mark.parametrize('functions', [
    {}, dict(softmax='log_int_softmax', layernorm='ptf_layernorm')
])
@pytest.mark.parametrize('size', [(32, 32), (50, 35)])
def test_whole_models(size, functions):
    swin = float_swin(
        embed_dims=24, depths=(2, 2), num_heads=(2, 3), strides=(4, 2),
        out_indices=(0, 1), window_size=5)
    images = torch.randn(2, 3, *size)
    model = quantized(swin, images, functions)
    with no_reference():
        natively = model(images)
    with integer_only_regions(model):  # opens operators: the references run
        expected = model(images)
    for ours, theirs in zip(natively, expected):
        assert torch.equal(ours, theirs)


def test_too_little_memory_is_an_error_of_its_own():
    with pytest.raises(MemoryError):
        succeeded(NO_MEMORY)
    assert succeeded(OK)
    assert not succeeded(UNSUPPORTED)
