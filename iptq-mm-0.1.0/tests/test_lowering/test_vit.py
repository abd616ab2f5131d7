from dataclasses import asdict

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from iptq_mm.guard import integer_only_regions
from iptq_mm.lowering import lowering_of, watchable
from iptq_mm.lowering.equalization.channels import rescaled
from iptq_mm.models import IntVisionTransformer
from iptq_mm.models.classifiers.vit import segments
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS
from iptq_mm.nn import IntWideLinear

from classifiers import float_deit, float_vit, images, integer_twin
from quantized import min_max_thresholds, sqnr_db

NETWORKS = dict(
    class_token=lambda: float_vit(),
    distilled=lambda: float_deit(),
    average=lambda: float_vit(global_pool='avg'),
    average_of_normed=lambda: float_vit(global_pool='avg', fc_norm=False),
    average_without_class_token=lambda: float_vit(
        global_pool='avg', class_token=False),
    average_of_all=lambda: float_vit(
        global_pool='avg', pool_include_prefix=True),
    token_then_norm=lambda: float_vit(fc_norm=True),
    layer_scale=lambda: float_vit(init_values=0.1),
    no_embed_class=lambda: float_vit(no_embed_class=True),
    no_qkv_bias=lambda: float_vit(qkv_bias=False),
    no_positions=lambda: float_vit(pos_embed='none'),
    registers=lambda: float_vit(reg_tokens=2),
    oblong=lambda: float_vit(img_size=(32, 16)),
    narrow_mlp=lambda: float_vit(mlp_ratio=1.5))


@pytest.mark.parametrize('name', NETWORKS)
@torch.no_grad()
def test_logits_are_close_and_all_integer(name):
    network = NETWORKS[name]()
    batch = images()
    if name == 'oblong':
        batch = batch[..., :16]
    integer = integer_twin(network, batch)
    with integer_only_regions(integer) as regions:
        assert regions == ['body']
        guarded = integer(batch)
    assert torch.equal(guarded, integer(batch))
    assert not any(t.is_floating_point()
                   for t in integer.state_dict().values())
    assert sqnr_db(network(batch), guarded) > 25


@pytest.mark.parametrize('name', ['class_token', 'distilled', 'average'])
@torch.no_grad()
def test_a_config_and_the_state_rebuild_it(name):
    network, batch = NETWORKS[name](), images()
    integer = integer_twin(network, batch)
    rebuilt = IntVisionTransformer(**asdict(integer.structure)).eval()
    rebuilt.load_state_dict(integer.state_dict())
    assert torch.equal(rebuilt(batch), integer(batch))


@pytest.mark.parametrize('name', NETWORKS)
@torch.no_grad()
def test_the_watched_network_equals_the_stock_one(name):
    network = NETWORKS[name]()
    batch = images()[..., :network.patch_embed.img_size[1]]
    before = {key: value.clone() for key, value in
              network.state_dict().items()}
    watched = watchable(network)
    torch.testing.assert_close(watched(batch), network(batch))
    assert isinstance(watched.blocks[0].attn.softmax, nn.Softmax)
    # The stock one is untouched, and the weights are there once.
    assert not hasattr(network.blocks[0].attn, 'softmax')
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])
    assert (watched.blocks[0].attn.qkv.weight
            is network.blocks[0].attn.qkv.weight)


def test_layers_are_all_non_linear_modules_in_forward_order():
    network = watchable(float_vit(global_pool='avg'))
    layers = lowering_of(network, DEFAULT_BITS).nonlinear_layers()
    called = []
    for name, module in network.named_modules():
        if isinstance(module, (nn.GELU, nn.Softmax, nn.LayerNorm)):
            module.register_forward_hook(
                lambda *_, name=name: called.append(name))
    network(images(1))
    assert called == list(layers)


@pytest.mark.parametrize('name', NETWORKS)
def test_sites_are_reached_and_none_is_observed_in_vain(name):
    from iptq_mm.functions import BitSoftmax, ILayerNorm, PolyGELU
    network = watchable(NETWORKS[name]())
    lowering = lowering_of(network, DEFAULT_BITS)
    batch = images(1)[..., :network.patch_embed.img_size[1]]
    thresholds = min_max_thresholds(network, lowering.sites(), batch)

    class Reads(dict):
        names = set()

        def __getitem__(self, name):
            self.names.add(name)
            return super().__getitem__(name)

    kinds = dict(gelu=PolyGELU, softmax=BitSoftmax, layernorm=ILayerNorm)
    reads = Reads(thresholds)
    lowering.lower(reads, {
        layer: kinds[kind]()
        for layer, kind in lowering.nonlinear_layers().items()
    })
    assert reads.names == set(lowering.sites())


@torch.no_grad()
def test_surer_images_find_room():
    """The logits of calibration take a quarter of their integers."""
    batch = images()
    model = integer_twin(float_vit(), batch)
    reached = model.body(model.quantize(batch)).abs().max().item()
    assert reached == pytest.approx(32767 / 4, rel=0.1)


@pytest.mark.parametrize('name', NETWORKS)
@torch.no_grad()
def test_classifiers_read_16_bits(name):
    network = NETWORKS[name]()
    batch = images()[..., :network.patch_embed.img_size[1]]
    integer = integer_twin(network, batch)
    reached = []
    for module in integer.modules():
        if isinstance(module, IntWideLinear):
            module.register_forward_pre_hook(
                lambda _, args: reached.append(args[0].abs().max().item()))
    integer(batch)
    assert len(reached) == (2 if name == 'distilled' else 1)
    # The images of calibration take a quarter of the integers.
    assert max(reached) == pytest.approx(32767 / 4, rel=0.02)


@torch.no_grad()
def test_layer_scale_is_folded():
    """With a branch that is scaled away, the integer one gives nothing."""
    network = float_vit(init_values=0.1)
    for block in network.blocks:
        block.ls1.gamma.zero_()
        block.ls2.gamma.zero_()
    block = integer_twin(network, images()).body.blocks[0]
    stream = torch.randint(-999, 999, (1, 17, 48), dtype=torch.int16)
    assert torch.equal(block(stream), stream)


@pytest.mark.parametrize('config, words', [
    (dict(qk_norm=True), 'blocks.0.*qk_norm'),
    (dict(pre_norm=True), 'pre_norm'),
    (dict(dynamic_img_size=True), 'dynamic_img_size.*one image size'),
    (dict(global_pool='max'), 'max pooling.*token and avg'),
    (dict(global_pool='avg', fc_norm=True, final_norm=False), 'final norms'),
    (dict(num_classes=0), 'classifier'),
    (dict(act_layer='relu'), 'ReLU.*exact GELU'),
    (dict(img_size=30), 'whole patches'),
], ids=str)
def test_what_has_no_integer_form_is_named(config, words):
    network = VisionTransformer(**{
        **dict(img_size=32, patch_size=8, embed_dim=32, depth=1, num_heads=2),
        **config
    })
    with pytest.raises(TypeError, match=f'VisionTransformer with .*{words}'):
        lowering_of(network, DEFAULT_BITS)


def test_another_image_size_is_refused():
    integer = integer_twin(float_vit(), images())
    with pytest.raises(ValueError, match='16.*32.*img_size'):
        integer(images(1, side=16))


@pytest.mark.parametrize('name', NETWORKS)
@torch.no_grad()
def test_each_norm_and_its_reader_can_be_rescaled(name):
    network, batch = NETWORKS[name](), images(1)
    batch = batch[..., :network.patch_embed.img_size[1]]
    network = watchable(network)
    readers = lowering_of(network, DEFAULT_BITS).readers()
    divisors = {
        norm: torch.rand(network.get_submodule(norm).weight.shape) + 0.5
        for norm in readers
    }
    torch.testing.assert_close(
        rescaled(network, readers, divisors)(batch), network(batch),
        atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_stream_has_a_scale_for_every_three_blocks():
    """Where it grows thirty times in the last blocks, the first ones keep
    steps as fine as theirs were."""
    network, batch = float_vit(depth=7), images()
    plain = integer_twin(network, batch)
    assert len(plain.body.rescale) == 2
    for block in network.blocks[6:]:
        block.mlp.fc2.weight *= 1e4
    loud = integer_twin(network, batch)
    ratios = [one.m.item() * 2.**-one.n.item() for one in loud.body.rescale]
    assert ratios[0] > .1 > 1e-2 > ratios[1]
    tokens = plain.quantize(batch)
    assert torch.equal(plain.body.patch_embed(tokens),
                       loud.body.patch_embed(tokens))


@pytest.mark.parametrize('depth, expected', [
    (1, [range(1)]), (3, [range(3)]), (4, [range(3), range(3, 4)]),
    (12, [range(0, 3), range(3, 6), range(6, 9), range(9, 12)])])
def test_segments_are_all_blocks_in_their_order(depth, expected):
    assert segments(depth) == expected
