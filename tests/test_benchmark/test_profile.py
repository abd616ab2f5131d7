import pytest
import torch

from iptq_mm.benchmark import Entry, Roofs, by_shape, profile
from iptq_mm.benchmark.profile import products_of

from quantized import float_swin, quantized


@pytest.fixture(scope='module')
def entries():
    swin = float_swin(
        embed_dims=24, depths=(2, ), num_heads=(2, ), strides=(4, ),
        out_indices=(0, ), window_size=4)
    images = torch.randn(1, 3, 32, 32)
    return profile(quantized(swin, images), images, rounds=2)


def test_every_layer_and_operator_shows(entries):
    found = {(entry.layer, entry.operator) for entry in entries}
    block = 'body.stages.0.blocks.1'
    assert {(f'{block}.attn', 'window_attention'),
            (f'{block}.attn.qkv', 'linear'),
            (f'{block}.attn.proj', 'linear_add'),
            (f'{block}.mlp.fc1', 'linear_gelu'),
            (f'{block}.norm1', 'layer_norm')} <= found
    assert len(found) == len(entries)
    assert all(0 < entry.ms < 1e4 for entry in entries)


def test_products_are_those_of_the_shapes(entries):
    tokens, channels, window = 8 * 8, 24, 4
    for entry in entries:
        if entry.layer.endswith('fc1'):
            assert entry.products == tokens * channels * 4 * channels
            assert entry.bytes > tokens * 5 * channels
        if entry.operator == 'window_attention':
            assert entry.products == 2 * tokens * window**2 * channels
        if entry.operator in ('layer_norm', 'other'):
            assert entry.products == 0


def test_products_of_a_convolution():
    result = torch.empty(1, 5, 7, 16)
    args = torch.empty(1, 5, 7, 8), torch.empty(16, 9 * 8)
    assert products_of('conv2d', args, result) == 5 * 7 * 16 * 9 * 8


def test_by_shape_adds_up(entries):
    sums = by_shape(entries)
    assert [entry.ms for entry in sums] == sorted(
        (entry.ms for entry in sums), reverse=True)
    assert sum(entry.ms for entry in sums) == pytest.approx(
        sum(entry.ms for entry in entries))
    assert sum(entry.products for entry in sums) == sum(
        entry.products for entry in entries)
    norms, = (entry for entry in sums if entry.operator == 'layer_norm')
    assert (norms.layer, norms.shape) == ('6', '1x8x8x24')
    qkv, = (entry for entry in sums if entry.operator == 'linear')
    assert (qkv.layer, qkv.shape) == ('2', '64x24x72')


def test_the_lower_roof_is_the_floor():
    roofs = Roofs(products=1e9, bandwidth=1e8)
    assert roofs.floor_ms(Entry('', 'linear', '', 10**6, 10**3)) == 1
    assert roofs.floor_ms(Entry('', 'linear', '', 10**6, 10**6)) == 10
