from dataclasses import asdict
from inspect import signature

import pytest
import torch
from timm.models.swin_transformer import SwinTransformer
from torch import nn

from iptq_mm.guard import integer_only_regions
from iptq_mm.lowering import lowering_of, watchable
from iptq_mm.lowering.equalization.channels import rescaled
from iptq_mm.models import IntSwinClassifier
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS

from classifiers import float_timm_swin, images, integer_twin
from quantized import min_max_thresholds, sqnr_db

NETWORKS = dict(
    plain=dict(),
    window_covers_the_last_map=dict(depths=(2, 2, 2), num_heads=(1, 2, 4)),
    window_wider_than_the_last_map=dict(
        depths=(2, 2, 2), num_heads=(1, 2, 4), window_size=8),
    a_window_for_each_stage=dict(window_size=((8, 8), (4, 4))),
    unshifted_maps_need_padding=dict(
        img_size=24, window_size=5, depths=(1, 1)),
    odd_maps_are_merged=dict(img_size=28, window_size=7),
    always_partitioned=dict(
        depths=(2, 2), window_size=8, always_partition=True),
    no_qkv_bias=dict(qkv_bias=False),
    oblong=dict(img_size=(32, 16), window_size=2))
NEW_TIMM = 'dynamic_img_size' in signature(SwinTransformer).parameters
"""From 1.0.31 on; before it there is one window, and one more assertion."""

if not NEW_TIMM:
    del NETWORKS['a_window_for_each_stage']


def case(name):
    network = float_timm_swin(**NETWORKS[name])
    height, width = network.patch_embed.img_size
    return network, images(2)[..., :height, :width]


@pytest.mark.parametrize('name', NETWORKS)
@torch.no_grad()
def test_logits_are_close_and_all_integer(name):
    network, batch = case(name)
    integer = integer_twin(network, batch)
    with integer_only_regions(integer) as regions:
        assert regions == ['body']
        guarded = integer(batch)
    assert torch.equal(guarded, integer(batch))
    assert not any(t.is_floating_point()
                   for t in integer.state_dict().values())
    assert sqnr_db(network(batch), guarded) > 25

    rebuilt = IntSwinClassifier(**asdict(integer.structure)).eval()
    rebuilt.load_state_dict(integer.state_dict())
    assert torch.equal(rebuilt(batch), guarded)


@pytest.mark.parametrize('name', NETWORKS)
@torch.no_grad()
def test_each_part_follows_its_float_one(name):
    """Stream after every merging and block, up to its scale: an order of
    neighbours, a mask or a shift of its own would show at once."""
    network, batch = case(name)
    integer = integer_twin(network, batch)
    parts = [
        part for part, module in network.named_modules()
        if type(module).__name__ in ('SwinTransformerBlock', 'PatchMerging')
    ]
    seen = {}
    for part in parts:
        for who, owner in (('float', network), ('integer', integer.body)):
            owner.get_submodule(part).register_forward_hook(
                lambda *args, key=(part, who): seen.update(
                    {key: args[-1].double().flatten()}))
    network(batch), integer(batch)
    for part in parts:
        y, q = seen[part, 'float'], seen[part, 'integer']
        assert torch.corrcoef(torch.stack([y, q]))[0, 1] > 0.998, part


@pytest.mark.parametrize('name', NETWORKS)
@torch.no_grad()
def test_the_watched_network_equals_the_stock_one(name):
    network, batch = case(name)
    for module in network.modules():
        if hasattr(module, 'fused_attn'):
            module.fused_attn = True
    torch.testing.assert_close(watchable(network)(batch), network(batch))
    assert network.layers[0].blocks[0].attn.fused_attn


def test_layers_are_all_non_linear_modules_in_forward_order():
    network = watchable(float_timm_swin())
    layers = lowering_of(network, DEFAULT_BITS).nonlinear_layers()
    called = []
    for name, module in network.named_modules():
        if isinstance(module, (nn.GELU, nn.Softmax, nn.LayerNorm)):
            module.register_forward_hook(
                lambda *_, name=name: called.append(name))
    network(images(1))
    assert called == list(layers)


def test_every_site_is_reached():
    network = watchable(float_timm_swin())
    sites = lowering_of(network, DEFAULT_BITS).sites()
    assert min_max_thresholds(network, sites, images(1)).keys() == sites.keys()


@pytest.mark.parametrize('config, words', [
    (dict(img_size=24, window_size=5), 'shifted windows of 5.*whole windows'),
    *[(dict(global_pool='max'), 'max pooling.*avg')] * NEW_TIMM,
    (dict(strict_img_size=False), 'dynamic_img_size'),
    (dict(window_size=(4, 8)), 'windows of 4 x 8.*square'),
    (dict(head_dim=4), '4 attention channels.*16'),
    (dict(num_classes=0), 'no classifier'),
], ids=str)
def test_what_has_no_integer_form_is_named(config, words):
    network = SwinTransformer(**{
        **dict(img_size=32, patch_size=2, embed_dim=16, depths=(2, 2),
               num_heads=(1, 2), window_size=4),
        **config
    })
    with pytest.raises(TypeError, match=f'SwinTransformer with .*{words}'):
        lowering_of(network, DEFAULT_BITS)


@pytest.mark.parametrize('name', NETWORKS)
@torch.no_grad()
def test_each_norm_and_its_reader_can_be_rescaled(name):
    network, batch = case(name)
    network = watchable(network)
    readers = lowering_of(network, DEFAULT_BITS).readers()
    divisors = {
        norm: torch.rand(network.get_submodule(norm).weight.shape) + 0.5
        for norm in readers
    }
    torch.testing.assert_close(
        rescaled(network, readers, divisors)(batch), network(batch),
        atol=1e-4, rtol=1e-4)
