import torch
from torch import nn

from iptq_mm.calibration import ChannelRange, Collector, Site
from iptq_mm.lowering import centred, lowering_of, offsets
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS

from quantized import float_swin, sqnr_db

SMALL = dict(
    embed_dims=16, depths=(2, 1), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)
SIZES = ((36, 64), (30, 50))
"""One of whole windows, one that is padded."""


@torch.no_grad()
def off_centre(**settings):
    """A backbone whose keys and values lie far from zero."""
    swin = float_swin(**SMALL, **settings)
    for block in (*swin.stages[0].blocks, *swin.stages[1].blocks):
        qkv = block.attn.w_msa.qkv
        if qkv.bias is not None:
            qkv.bias += torch.linspace(-3, 3, len(qkv.bias))
        else:
            block.norm1.bias += 2.
    return swin


@torch.no_grad()
def channels(network, image):
    names = [block.attn for block in lowering_of(network,
                                                 DEFAULT_BITS).blocks()]
    found = {name: ChannelRange() for name in names}
    sites = {name: Site(f'{name}.qkv', 'output', 16) for name in names}
    with Collector(network, sites, found):
        network(image)
    return found


def image(height, width):
    return torch.randn(1, 3, height, width, generator=torch.manual_seed(1))


def shifted(network, picture):
    return centred(network, {
        name: offsets(found.middle)
        for name, found in channels(network, picture).items()
    })


@torch.no_grad()
def test_keys_and_values_lie_about_zero_and_the_function_stays():
    swin = off_centre()
    before = {name: value.clone() for name, value in swin.state_dict().items()}
    other = shifted(swin, image(*SIZES[0]))
    for size in SIZES:
        assert min(map(sqnr_db, swin(image(*size)), other(image(*size)))) > 90
    for name, found in channels(other, image(*SIZES[0])).items():
        queries, keys, values = found.middle.chunk(3)
        assert max(keys.abs().max(), values.abs().max()) < 1e-4
        old, *_ = channels(swin, image(*SIZES[0]))[name].middle.chunk(3)
        torch.testing.assert_close(queries, old)
    assert all(torch.equal(before[name], value)
               for name, value in swin.state_dict().items())


@torch.no_grad()
def test_a_layer_without_bias_gets_one():
    swin = off_centre(qkv_bias=False)
    other = shifted(swin, image(*SIZES[0]))
    attention = other.stages[0].blocks[0].attn.w_msa
    assert isinstance(attention.qkv.bias, nn.Parameter)
    assert attention.qkv.bias.any()
    assert min(map(sqnr_db, swin(image(*SIZES[1])),
                   other(image(*SIZES[1])))) > 90


def test_queries_do_not_move():
    middle = torch.arange(1., 13)
    found = offsets(middle)
    assert not found[:4].any() and torch.equal(found[4:], middle[4:])
