"""Weights rounded in the order of the network."""
from functools import partial

import pytest
import torch
from torch import nn

from iptq_mm.calibration import SecondMoments
from iptq_mm.lowering import lowering_of, watchable
from iptq_mm.lowering.rounding.rounding import roundings
from iptq_mm.lowering.transformer import compensation
from iptq_mm.lowering.transformer.replay import Before, Replay
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS

from classifiers import float_deit, float_timm_swin, float_vit, images
from quantized import float_swin, quantized, sqnr_db

BATCHES = [images(8, seed=seed) for seed in range(4)]
SWIN = dict(
    embed_dims=16, depths=(1, 2), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)
UNSEEN = images(16, seed=9)

networks = pytest.mark.parametrize('network', [
    float_vit, float_deit, float_timm_swin, partial(float_swin, **SWIN),
    partial(float_vit, init_values=.3)])


def lowering(network):
    return lowering_of(watchable(network), DEFAULT_BITS)


def moments(lowering):
    """Of what sees the image."""
    convolution = lowering.description.patches.projection
    seen = SecondMoments()
    stride = lowering.description.network.get_submodule(convolution).stride
    for batch in BATCHES:
        seen.observe(nn.functional.unfold(
            batch, stride, stride=stride).transpose(1, 2))
    return {convolution: seen}


def compensated(network, rule='gptq', batches=BATCHES):
    one = lowering(network)
    return one.compensated(rule, batches, moments(one))


def first(y):
    return y[-1] if isinstance(y, (tuple, list)) else y


@networks
@torch.no_grad()
def test_an_unseen_image_comes_out_closer(network):
    network = network()
    found = []
    for rule in (roundings('gptq', {}), compensated(network)):
        integer = quantized(watchable(network), torch.cat(BATCHES),
                            bits=dict(weight=4), roundings=rule)
        found.append(sqnr_db(first(network(UNSEEN)), first(integer(UNSEEN))))
    assert found[1] > found[0] + 1


@networks
@torch.no_grad()
def test_where_nothing_is_lost_nothing_changes(network):
    """16 bits: the weights come out as they went in, and so do the inputs of
    every layer."""
    network = network()
    rule, one = compensated(network, 'nearest'), lowering(network)
    for stop in Replay(one.description).steps(BATCHES[0]):
        if isinstance(stop, Before):
            weight = one.description.network.get_submodule(
                stop.layer).weight.double()
            least = torch.full((len(weight), ), 1e-12).double()
            made = rule(stop.layer)(weight, least, 16)
            torch.testing.assert_close(
                made.scale[:, None] * made.integers, weight, rtol=1e-3,
                atol=1e-3)
            assert made.bias.abs().max() < 1e-2


@torch.no_grad()
def test_the_end_of_a_branch_makes_up_for_the_stream():
    """All weights of an attention are lost, and the MLP after it knows."""
    network = float_vit()
    one, rule = lowering(network), compensated(network, 'nearest')
    layers = [f'blocks.0.{name}' for name in
              ('attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2')]
    for layer in layers[:2]:
        weight = one.description.network.get_submodule(layer).weight.double()
        made = rule(layer)(weight, torch.full((len(weight), ), 1e3).double(),
                           8)
        assert not made.integers.any()
    found = {}
    for layer in layers[2:]:
        weight = one.description.network.get_submodule(layer).weight.double()
        made = rule(layer)(weight, torch.full((len(weight), ), 1e-9).double(),
                           16)
        found[layer] = made.scale[:, None] * made.integers - weight
    # Its input says little of what is missing, and that is taken.
    assert found[layers[2]].abs().max() > 1e-3
    assert found[layers[3]].abs().max() > 1e-3


def test_layers_come_in_the_order_of_the_network():
    rule = compensated(float_vit())
    weight = torch.ones(48, 48).double()
    with pytest.raises(RuntimeError, match=r'proj is rounded where .*qkv'):
        rule('blocks.0.attn.proj')(weight, weight[0], 8)


@torch.no_grad()
def test_large_images_are_left_out(monkeypatch):
    monkeypatch.setattr(compensation, 'PIXELS', 2 * 32 * 32)
    seen = []

    def batches():
        for i, batch in enumerate(BATCHES):
            seen.append(i)
            yield batch[:1]

    compensated(float_vit(), batches=batches())
    assert seen == [0, 1, 2]  # the third is looked at, and does not fit
    seen.clear()
    monkeypatch.setattr(compensation, 'PIXELS', 1)
    compensated(float_vit(), batches=batches())
    assert seen == [0, 1]


@torch.no_grad()
def test_a_layer_that_is_multiplied_by_nothing():
    network = float_vit(init_values=.3)
    network.blocks[0].ls1.gamma[:5] = 0.
    integer = quantized(watchable(network), torch.cat(BATCHES),
                        roundings=compensated(network))
    assert sqnr_db(network(UNSEEN), integer(UNSEEN)) > 20
