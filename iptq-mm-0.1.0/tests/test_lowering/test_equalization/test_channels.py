import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iptq_mm.calibration import ChannelRange, Collector, Site
from iptq_mm.evaluation.hard_variant import hardened
from iptq_mm.lowering import equalized, lowering_of
from iptq_mm.lowering.equalization.channels import factors, quietest_factors
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS

from quantized import float_swin, sqnr_db

SMALL = dict(
    embed_dims=16, depths=(2, 1), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)


@pytest.fixture(scope='module')
def swin():
    return float_swin(**SMALL)


@pytest.fixture(scope='module')
def image():
    return torch.randn(1, 3, 36, 64, generator=torch.manual_seed(1))


def readers(network):
    return lowering_of(network, DEFAULT_BITS).readers()


@torch.no_grad()
def ranges(network, image):
    channels = {norm: ChannelRange() for norm in readers(network)}
    sites = {norm: Site(norm, 'output', 16) for norm in channels}
    with Collector(network, sites, channels):
        network(image)
    return {norm: channel.largest for norm, channel in channels.items()}


def spread(found):
    """Largest over median channel, of the worst LayerNorm."""
    return max((r.max() / r.median()).item() for r in found.values())


def test_readers_are_all_linear_layers_after_a_layernorm(swin):
    expected = {}
    for i, depth in enumerate(SMALL['depths']):
        for j in range(depth):
            block = f'stages.{i}.blocks.{j}'
            expected[f'{block}.norm1'] = f'{block}.attn.w_msa.qkv'
            expected[f'{block}.norm2'] = f'{block}.ffn.layers.0.0'
    expected['stages.0.downsample.norm'] = 'stages.0.downsample.reduction'
    assert readers(swin) == expected


@torch.no_grad()
def test_function_stays_and_the_original_too(swin, image):
    before = {name: value.clone() for name, value in swin.state_dict().items()}
    other = equalized(
        swin, readers(swin), ranges(swin, image), DEFAULT_BITS)
    assert min(map(sqnr_db, swin(image), other(image))) > 100
    assert all(torch.equal(before[name], value)
               for name, value in swin.state_dict().items())
    assert not torch.equal(other.stages[0].blocks[0].norm1.weight,
                           before['stages.0.blocks.0.norm1.weight'])


@torch.no_grad()
def test_a_hard_variant_computes_the_same_and_equalizes_to_the_same(
        swin, image):
    hard = hardened(swin, readers(swin), 600., .1, seed=3)
    assert min(map(sqnr_db, swin(image), hard(image))) > 90
    assert spread(ranges(hard, image)) > 100 > 10 * spread(
        ranges(swin, image))
    for name, found in ranges(hard, image).items():
        assert (found / ranges(swin, image)[name]).max() == pytest.approx(
            600, rel=1e-3)
    eased = [
        equalized(
            network, readers(swin), ranges(network, image), DEFAULT_BITS)
        for network in (swin, hard)
    ]
    soft, same = (ranges(network, image) for network in eased)
    for name in soft:
        # up to a factor of the whole tensor, which a scale takes
        ratio = same[name] / soft[name]
        assert torch.allclose(ratio, ratio.mean(), rtol=1e-3)


@given(
    ranges=st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=9),
    strength=st.floats(0, 1))
def test_factors_are_the_published_ones(ranges, strength):
    ranges = torch.tensor(ranges, dtype=torch.float64)
    columns = ranges.flip(0).sqrt()
    found = factors(ranges, columns, strength)
    expected = ranges**strength / columns**(1 - strength)
    assert torch.allclose(found / found[0], expected / expected[0])
    assert found.log().mean().item() == pytest.approx(0, abs=1e-9)


def test_factors_of_unused_channels_are_bounded():
    zero, some = torch.zeros(3), torch.tensor([0., 1., 2.])
    assert torch.equal(factors(zero, zero, .5), torch.ones(3).double())
    found = factors(some, some, .5)
    assert found.isfinite().all() and (found > 0).all()


def test_outliers_are_evened_out_as_far_as_the_weights_have_bits():
    generator = torch.manual_seed(0)
    weight = torch.randn(24, 16, generator=generator)
    ranges = torch.ones(16)
    ranges[3] = 100.

    def share(bits):
        """Of the outlier in the range after equalization."""
        found = ranges / quietest_factors(
            ranges, weight, {**DEFAULT_BITS, 'weight': bits})
        return (found[3] / found.median()).item()

    assert share(8) < share(4) < 100
