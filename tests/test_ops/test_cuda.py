"""The operators as CUDA runs them: with its product, the rest as it is.

Where there is no GPU, the product of CUDA takes the place of the CPU's, and
devices are only pretended; the tests on a GPU skip.
"""
from contextlib import contextmanager, nullcontext

import pytest
import torch
from packaging import version
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_map_only

from iptq_mm import ops
from iptq_mm.compat import zip_strict
from iptq_mm.functions import (
    BitSoftmax,
    ILayerNorm,
    LogIntSoftmax,
    PolyGELU,
    PTFLayerNorm,
    TableSoftmax,
)
from iptq_mm.guard import IntegerOnly, integer_only_regions
from iptq_mm.ops import REFERENCES
from iptq_mm.ops.int_mm import int_mm

from classifiers import float_vit, integer_twin
from classifiers import images as square_images
from quantized import float_swin, quantized

pretends = pytest.mark.skipif(
    not torch.cuda.is_available() and version.parse(
        torch.__version__) < version.parse('2.5'),
    reason='torch 2.1 and 2.4 pretend no device without a driver')

on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')

GENERATOR = torch.Generator().manual_seed(0)


def draw(limit, *shape, dtype=torch.int8):
    return torch.randint(-limit, limit + 1, shape, generator=GENERATOR,
                         dtype=dtype)


def layer(inputs, outputs):
    """Arguments of a linear layer after x."""
    return (draw(127, outputs, inputs), draw(2**14, outputs,
                                             dtype=torch.int32),
            2**30 + draw(2**29, outputs, dtype=torch.int64).abs(),
            torch.full((outputs, ), 40))


GELU = 'poly_gelu', ops.with_zero_point(-90, PolyGELU().lower(0.03, 0.02))
SCORE = torch.tensor([[2**30, 32], [2**30 + 1, 31], [2**31 - 1, 33]])
OUTPUT = torch.tensor([[2**30, 38], [2**30 + 9, 37], [2**31 - 1, 40]])
WINDOWS = (draw(127, 2, 7, 5, 36), draw(127, 36), 3, 4, 2,
           draw(300, 49, 3, dtype=torch.int16),
           torch.tensor([-6400], dtype=torch.int32), SCORE)
NORM_12 = ILayerNorm().lower(2.0**-8, 0.02, torch.ones(12), torch.zeros(12),
                             1e-5)
BLOCK = ([NORM_12, *layer(12, 36), SCORE, TableSoftmax().lower(2.0**-6),
          OUTPUT, *layer(12, 12), NORM_12, *layer(12, 20),
          torch.stack([GELU[1], GELU[1].flip(0)]), *layer(20, 12)],
         ['i_layernorm', 'table_softmax', 'i_layernorm', GELU[0]], 3, 8, 8,
         [15, 20])
STREAM = draw(32767, 2, 5, 33, dtype=torch.int16)
SCALE = torch.tensor(2**30), torch.tensor(34)
NORM = 0.02, torch.ones(33), torch.zeros(33), 1e-5

BOXES = torch.tensor([[0, 0, 256, 256]]) * torch.randint(
    10, 90, (9, 1), generator=GENERATOR) + torch.randint(
        0, 30000, (9, 2), generator=GENERATOR).repeat(1, 2)
BOXES = BOXES.to(torch.int32)

CALLS = dict(
    linear=(draw(127, 2, 5, 21), *layer(21, 33), 8),
    linear_of_one_row=(draw(127, 21), *layer(21, 33), 16),
    linear_add=(draw(127, 2, 5, 21), *layer(21, 33), STREAM),
    linear_wide=(draw(32767, 2, 5, 21, dtype=torch.int16), *layer(21, 33)),
    linear_gelu=(draw(127, 40, 21), *layer(21, 33), 8, GELU[0],
                 torch.stack([GELU[1], GELU[1].flip(0)]), [30, 33], 8),
    conv2d=(draw(127, 2, 9, 7, 5), *layer(45, 6), 3, 2, 1, True, 8),
    attention=(draw(127, 2, 19, 36), 3, SCORE, 'bit_softmax',
               BitSoftmax().lower(2.0**-6), OUTPUT, 8),
    attention_by_powers=(draw(127, 2, 19, 36), 3, SCORE, 'log_int_softmax',
                         LogIntSoftmax().lower(2.0**-6),
                         torch.tensor([[2**30, 44]] * 3), 8),
    window_attention=(*WINDOWS, 'table_softmax', TableSoftmax().lower(2.0**-6),
                      OUTPUT, 8),
    block=(draw(32767, 2, 19, 12, dtype=torch.int16), *BLOCK),
    window_block=(draw(32767, 2, 7, 5, 12, dtype=torch.int16), *BLOCK, 4, 2,
                  *WINDOWS[5:7]),
    softmax=(draw(2**24, 3, 20, dtype=torch.int32), 'table_softmax',
             TableSoftmax().lower(2.0**-20)),
    gelu=(draw(127, 3, 20), *GELU),
    layer_norm=(STREAM, 'i_layernorm', ILayerNorm().lower(2.0**-8, *NORM), 8),
    merge_layer_norm=(draw(32767, 2, 5, 7, 8, dtype=torch.int16), 2,
                      'i_layernorm', ILayerNorm().lower(
                          2.0**-8, 0.02, torch.ones(32), torch.zeros(32),
                          1e-5), 8),
    layer_norm_with_factors=(STREAM, 'ptf_layernorm',
                             PTFLayerNorm().lower(2.0**-8, *NORM), 16),
    requantize=(STREAM, *layer(1, 33)[2:], 8),
    quantize=(torch.linspace(-9, 9, 60).view(3, 20), *SCALE, 8),
    center_pixels=(draw(127, 2, 3, 9, 7).to(torch.uint8), draw(127, 3), 4),
    dequantize=(STREAM, *SCALE),
    dequantize_maps=(draw(127, 2, 9, 7, 11), *SCALE),
    add=(STREAM, STREAM[0]),
    box_levels=(BOXES, [10**9, 10**10]),
    decode_boxes=(BOXES, draw(32767, 9, 4, dtype=torch.int16),
                  torch.full((4, ), 2**30), torch.full((4, ), 34),
                  torch.full((9, 2), 60000, dtype=torch.int32)),
    rank=(draw(3, 40), 30),
    nms=(BOXES, draw(3, 9), draw(1, 9), 1, 3),
    roi_align=([draw(127, 2, 20, 30, 5), draw(127, 2, 10, 15, 5)], [8, 16],
               BOXES, torch.arange(9) % 2, torch.arange(9) // 5, 7, 7, 0),
    paste_masks=(draw(2**13, 9, 28, 28, dtype=torch.int16) + 2**13, BOXES,
                 torch.tensor([100, 90]), 2**13))
BORDERS = {'quantize', 'dequantize', 'dequantize_maps'}
"""Those with floats on one side, and a scale that is read as a number."""

BY_VALUE = {'nms', 'paste_masks', 'roi_align'}
"""Operators whose work depends on the numbers that they get."""

PRODUCTS = {
    name for name in CALLS
    if name.startswith(('linear', 'conv2d', 'attention', 'window', 'block'))
}


def name_of(call):
    names = {name.split('::')[1] for name in REFERENCES}
    return max((name for name in names if call.startswith(name)), key=len)


def swin():
    """A Swin of two stages with shifts and padding, and its images."""
    images = torch.randn(2, 3, 50, 35, generator=GENERATOR)
    network = float_swin(
        embed_dims=24, depths=(2, 2), num_heads=(2, 3), strides=(4, 2),
        out_indices=(0, 1), window_size=5)
    return quantized(network, images), images


def vit():
    images = square_images()
    model = integer_twin(
        float_vit(), images,
        functions=dict(softmax='log_int_softmax', layernorm='ptf_layernorm'))
    return model, images


def by_references(model, images):
    """The outputs, with every operator opened."""
    with torch.no_grad(), integer_only_regions(model):
        outputs = model(images)
    return outputs if isinstance(outputs, list) else [outputs]


@contextmanager
def products_of_cuda(monkeypatch):
    """Put CUDA's product in the place of the CPU's; yields its calls.

    ``torch._int_mm`` itself is exact on CUDA, but not on a CPU with AVX2
    alone, where sums of pairs saturate.
    """
    library, calls = torch.library.Library('iptq', 'IMPL'), []
    monkeypatch.setattr(
        torch, '_int_mm', lambda x, y, out: out.copy_(x.int() @ y.int()))

    def count(x, y):
        calls.append((x.shape, y.shape))
        return int_mm(x, y)

    library.impl('matmul', count, 'CPU')
    try:
        yield calls
    finally:
        library._destroy()


def on(device, values):
    return tree_map_only(torch.Tensor, lambda x: x.to(device), values)


def reference(call, args):
    with nullcontext() if call in BORDERS else IntegerOnly():
        return REFERENCES[f'iptq::{name_of(call)}'](*args)


def test_every_operator_is_called():
    assert {f'iptq::{name_of(call)}' for call in CALLS} == set(REFERENCES)


@pretends
@pytest.mark.parametrize('call', sorted(PRODUCTS))
def test_operators_with_the_product_of_cuda(call, monkeypatch):
    expected = reference(call, CALLS[call])
    assert expected.unique().numel() > 10
    with products_of_cuda(monkeypatch) as calls:
        result = reference(call, CALLS[call])
    assert calls
    assert result.dtype == expected.dtype
    assert torch.equal(result, expected)


@pretends
@pytest.mark.parametrize('build', [swin, vit])
def test_models_with_the_product_of_cuda(build, monkeypatch):
    model, images = build()
    expected = by_references(model, images)
    with products_of_cuda(monkeypatch) as calls:
        result = by_references(model, images)
    assert calls
    for ours, theirs in zip_strict(result, expected):
        assert torch.equal(ours, theirs)


def pretended(values):
    """Tensors on CUDA that have no values."""
    return tree_map_only(
        torch.Tensor,
        lambda x: torch.empty(x.shape, dtype=x.dtype, device='cuda'), values)


@pretends
@pytest.mark.parametrize('call', sorted(set(CALLS) - BY_VALUE - BORDERS))
def test_operators_stay_on_one_device(call):
    with FakeTensorMode():
        result = reference(call, pretended(CALLS[call]))
    assert result.device.type == 'cuda'


@pretends
@pytest.mark.parametrize('build', [swin, vit])
def test_models_stay_on_one_device(build):
    model, images = build()
    image = images.to(torch.int8)
    with FakeTensorMode(), IntegerOnly():
        outputs = torch.func.functional_call(
            model.body, pretended(dict(model.body.named_buffers())),
            pretended(image))
    for output in [outputs] if torch.is_tensor(outputs) else outputs:
        assert output.device.type == 'cuda'


@on_gpu
@pytest.mark.parametrize('call', CALLS)
def test_operators_on_a_gpu(call):
    args = on('cuda', CALLS[call])
    result = getattr(ops, name_of(call))(*args)
    assert result.is_cuda
    assert torch.equal(result.cpu(), reference(call, CALLS[call]))


@on_gpu
@pytest.mark.parametrize('build', [swin, vit])
def test_models_on_a_gpu(build):
    model, images = build()
    expected = by_references(model, images)
    result = by_references(model.to('cuda'), images.to('cuda'))
    for ours, theirs in zip_strict(result, expected):
        assert ours.is_cuda
        assert torch.equal(ours.cpu(), theirs)
