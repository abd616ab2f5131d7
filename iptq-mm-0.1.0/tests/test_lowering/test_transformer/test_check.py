"""Nothing of a float network falls away, whichever way it came."""
import pytest
import torch
import torch.nn.functional as F
from mmdet.models.backbones.swin import SwinBlock, WindowMSA
from timm.layers import Attention
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from iptq_mm.lowering import lowering_of, watchable
from iptq_mm.lowering.readers.mmdet_swin import SwinReader
from iptq_mm.lowering.transformer.check import check_complete
from iptq_mm.lowering.transformer.replay import After, Replay
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS

from classifiers import float_deit, float_timm_swin, float_vit, lively
from quantized import float_swin

SWIN = dict(
    embed_dims=16, depths=(2, 2), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)


def refused(network, match):
    with pytest.raises(TypeError, match=match):
        lowering_of(network, DEFAULT_BITS)


@pytest.mark.parametrize('changes', [
    {}, dict(patch_norm=False), dict(use_abs_pos_embed=True,
                                     pretrain_img_size=32),
    dict(qkv_bias=False), dict(window_size=3), dict(strides=(4, 1)),
    dict(qk_scale=0.3)])
@torch.no_grad()
def test_the_replay_is_mmdets_swin(changes):
    swin = float_swin(**{**SWIN, **changes})
    size = (32, 32) if changes.get('use_abs_pos_embed') else (45, 70)
    image = torch.randn(2, 3, *size)
    steps = {
        step.name: step.y
        for step in Replay(SwinReader(swin).description()).steps(image)
        if isinstance(step, After)
    }
    for i, y in enumerate(swin(image)):
        assert torch.allclose(steps[f'output {i}'], y, atol=1e-4)


@pytest.mark.parametrize('network', [
    float_vit, float_deit, float_timm_swin,
    lambda: float_vit(init_values=0.3, class_token=False, global_pool='avg'),
    lambda: float_vit(global_pool='avg', fc_norm=False, reg_tokens=2)])
def test_networks_of_timm_are_complete(network):
    lowering_of(network(), DEFAULT_BITS)
    lowering_of(watchable(network()), DEFAULT_BITS)


def test_a_norm_of_queries_is_refused_on_every_road():
    network = float_vit(qk_norm=True)
    refused(network, r'attn\.q_norm')
    with pytest.raises(TypeError, match='Attention with q_norm.weight, which'):
        watchable(network)


def test_a_line_in_timms_attention_is_refused_on_every_road(monkeypatch):
    forward = Attention.forward
    monkeypatch.setattr(
        Attention, 'forward',
        lambda self, x, **kwargs: forward(self, torch.tanh(x), **kwargs))
    refused(float_vit(), r'something else in blocks\.0')
    with pytest.raises(TypeError, match='something else'):
        watchable(float_vit())


def test_a_function_in_the_forward_pass_is_refused(monkeypatch):
    network = float_vit()
    monkeypatch.setattr(
        type(network.blocks[0]), 'forward',
        lambda self, x, **_: F.relu6(x + self.attn(self.norm1(x))))
    refused(network, r'something else in blocks\.0 than its layers tell')


def test_a_line_in_mmdets_attention_is_refused(monkeypatch):
    swin = float_swin(**SWIN)
    lowering_of(swin, DEFAULT_BITS)
    forward = WindowMSA.forward
    monkeypatch.setattr(
        WindowMSA, 'forward',
        lambda self, x, mask=None: forward(self, F.normalize(x, dim=-1), mask))
    refused(swin, r'something else in stages\.0\.blocks\.0')


def test_another_order_is_refused(monkeypatch):
    swin = float_swin(**SWIN)

    def after(self, x, hw_shape):  # norms after the branches, as in Swin v2
        x = x + self.norm1(self.attn(x, hw_shape))
        return x + self.norm2(self.ffn(x))

    monkeypatch.setattr(SwinBlock, 'forward', after)
    refused(swin, r'stages\.0\.blocks\.0')


@pytest.mark.parametrize('where', ['', 'stages.1', 'stages.0.blocks.1.attn'])
def test_a_parameter_of_its_own_is_refused(where):
    swin = float_swin(**SWIN)
    swin.get_submodule(where).register_parameter(
        'temperature', nn.Parameter(torch.ones(1)))
    name = f'{where}.temperature'.removeprefix('.')
    refused(swin, f'SwinTransformer with {name}, which has no integer form')


def test_the_check_leaves_a_network_as_it_was():
    swin = float_swin(**SWIN).train() or float_swin(**SWIN)
    swin.stages[0].train()
    modes = [module.training for module in swin.modules()]
    state = torch.get_rng_state()
    check_complete(SwinReader(swin).description())
    assert [module.training for module in swin.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module._forward_hooks for module in swin.modules())


def test_weights_that_are_not_finite_are_another_matter():
    """They are refused with their own words, when a checkpoint is loaded."""
    vit = lively(VisionTransformer(
        img_size=32, patch_size=8, embed_dim=48, depth=1, num_heads=3))
    with torch.no_grad():
        vit.blocks[0].mlp.fc1.weight[0, 0] = float('nan')
    lowering_of(vit, DEFAULT_BITS)
