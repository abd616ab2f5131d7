import pytest
import torch
from mmdet.models.backbones import ResNet
from torch import nn

from iptq_mm.calibration import Collector
from iptq_mm.calibration.observers import min_max
from iptq_mm.lowering import lowering_of
from iptq_mm.lowering.linear import END_BITS
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS

from quantized import float_swin, min_max_thresholds, quantized, sqnr_db

SMALL = dict(
    embed_dims=16, depths=(2, 1), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)


def test_layers_are_all_non_linear_modules_in_forward_order():
    swin = float_swin(**SMALL)
    layers = lowering_of(swin, DEFAULT_BITS).nonlinear_layers()
    types = dict(gelu=nn.GELU, softmax=nn.Softmax, layernorm=nn.LayerNorm)
    expected = {
        name: kind
        for name, module in swin.named_modules()
        for kind, cls in types.items() if isinstance(module, cls)
    }
    assert layers == expected

    called = []
    for name in layers:
        swin.get_submodule(name).register_forward_hook(
            lambda *_, name=name: called.append(name))
    swin(torch.zeros(1, 3, 32, 32))
    assert called == list(layers)


def test_sites_are_reached_and_none_is_observed_in_vain():
    swin = float_swin(**SMALL)
    lowering = lowering_of(swin, DEFAULT_BITS)
    # raises on an unreached site
    thresholds = min_max_thresholds(swin, lowering.sites(),
                                    torch.randn(1, 3, 32, 32))

    class Reads(dict):
        names = set()

        def __getitem__(self, name):
            self.names.add(name)
            return super().__getitem__(name)

    from iptq_mm.functions import BitSoftmax, ILayerNorm, PolyGELU
    kinds = dict(gelu=PolyGELU, softmax=BitSoftmax, layernorm=ILayerNorm)
    reads = Reads(thresholds)
    lowering.lower(reads, {
        layer: kinds[kind]()
        for layer, kind in lowering.nonlinear_layers().items()
    })
    assert reads.names == set(lowering.sites())


def test_the_shift_mask_does_not_stretch_the_scores():
    swin = float_swin(**SMALL)
    sites = lowering_of(swin, DEFAULT_BITS).sites()
    observers = {name: min_max() for name in sites}
    with Collector(swin, sites, observers):
        swin(torch.randn(1, 3, 32, 32))
    shifted = 'stages.0.blocks.1.attn.w_msa.softmax:input'
    assert observers[shifted].min > -50


def test_mean_of_a_masked_window_ignores_the_other_side():
    """An image of two halves: a shifted window must not mix them more than
    the float model does."""
    swin = float_swin(**SMALL)
    image = torch.zeros(1, 3, 64, 64)
    image[..., :32], image[..., 32:] = 2, -2
    integer = quantized(swin, image)
    with torch.no_grad():
        assert min(map(sqnr_db, swin(image), integer(image))) > 20


@pytest.mark.parametrize('bits, sqnr', [(dict(), 25), (dict(weight=4), 8),
                                        (dict(activation=6), 8),
                                        (dict(attention=4), 15)])
def test_widths_are_kept(bits, sqnr):
    swin = float_swin(**SMALL)
    image = torch.randn(1, 3, 64, 64, generator=torch.manual_seed(0))
    integer = quantized(swin, image, bits=bits)
    widths = {'weight': 8, 'activation': 8, **bits}
    for name, module in integer.named_modules():
        if hasattr(module, 'weight'):
            first = 'patch_embed' in name  # keeps 8
            width = END_BITS if first else widths['weight']
            assert module.weight.abs().max().item() == 2**(width - 1) - 1
    seen = []
    block = integer.body.stages[0].blocks[0]
    for module in (block.norm1, block.attn.qkv, block.mlp.fc1):
        module.register_forward_hook(
            lambda *args: seen.append(args[-1].abs().max().item()))
    block.attn.proj.register_forward_pre_hook(
        lambda _, args: seen.append(args[0].abs().max().item()))
    with torch.no_grad():
        assert min(map(sqnr_db, swin(image), integer(image))) > sqnr
    limit = 2**(widths['activation'] - 1) - 1
    assert limit / 2 < max(seen) <= limit


def test_what_is_no_swin_is_named():
    with pytest.raises(TypeError, match='ResNet.*SwinTransformer'):
        lowering_of(ResNet(18), DEFAULT_BITS)


def test_a_foreign_activation_is_named():
    swin = float_swin(**SMALL, act_cfg=dict(type='ReLU'))
    with pytest.raises(TypeError, match=r'stages\.0.*ReLU.*GELU'):
        lowering_of(swin, DEFAULT_BITS)
