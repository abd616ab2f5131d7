import pytest
import torch

from iptq_mm.engine.report.sqnr import backbone_sqnr

from quantized import float_swin, quantized, sqnr_db

TINY = dict(
    embed_dims=8, depths=(1, 2), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)


@pytest.fixture(scope='module')
def pair():
    swin = float_swin(**TINY)
    images = torch.randn(2, 3, 32, 40)
    return swin, quantized(swin, images), images


def test_outputs_as_the_formula(pair):
    swin, integer, images = pair
    found = backbone_sqnr(swin, integer, [images])
    with torch.no_grad():
        expected = [sqnr_db(*ys) for ys in zip(swin(images), integer(images))]
    assert found['out0'] == pytest.approx(expected[0], abs=1e-3)
    assert found['out1'] == pytest.approx(expected[1], abs=1e-3)


def test_sites_in_the_order_of_the_forward_pass(pair):
    assert list(backbone_sqnr(*pair[:2], [pair[2]])) == [
        'patch_embed', 'stages.0.blocks.0', 'stages.0.downsample',
        'stages.1.blocks.0', 'stages.1.blocks.1', 'out0', 'out1'
    ]


def test_codes_are_compared_in_the_order_of_the_float_tokens(pair):
    found = backbone_sqnr(*pair[:2], [pair[2]])
    # Any mistake in the layout, such as rows for columns, gives about 0 dB.
    assert all(value > 15 for value in found.values())


def test_batches_add_up(pair):
    swin, integer, images = pair
    once = backbone_sqnr(swin, integer, [images])
    twice = backbone_sqnr(swin, integer, [images[:1], images[1:]])
    assert twice == pytest.approx(once, abs=1e-6)


def test_hooks_are_gone_afterwards(pair):
    swin, integer, images = pair
    backbone_sqnr(swin, integer, [images])
    assert not any(
        module._forward_hooks for model in (swin, integer)
        for module in model.modules())
