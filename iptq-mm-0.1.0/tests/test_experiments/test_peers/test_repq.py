import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.layers import Mlp
from torch import nn

from iptq_mm.experiments.peers.repq import between, ends, repq

from classifiers import float_timm_swin, float_vit, images
from quantized import sqnr_db


@given(st.integers(2, 8), st.floats(-9, -.1), st.floats(.1, 9))
def test_there_are_two_to_the_bits_even_steps(bits, low, high):
    x = torch.linspace(low, high, 4096)
    y = between(x, torch.tensor(low), torch.tensor(high), bits)
    step = (high - low) / (2**bits - 1)
    assert len(y.unique()) <= 2**bits
    # Half a step, and half a one at an end, since zero is one of them.
    assert (y - x).abs().max() <= step * (1 + 1e-3)
    assert 0 in between(torch.zeros(1), torch.tensor(low),
                        torch.tensor(high), bits)


def test_ends_leave_out_what_is_rare_and_far():
    x = torch.randn(100_000, 2, generator=torch.manual_seed(0))
    x[0, 1] = 1000.
    low, high = ends(x, 8)
    assert torch.allclose(high, torch.tensor([4.2, 4.2]), atol=.8)
    assert torch.allclose(low, -high, atol=.8)


@pytest.mark.parametrize('network', [float_vit, float_timm_swin])
@torch.no_grad()
def test_the_float_network_stays_as_it_is(network):
    network, seen = network(), images(4)
    before = network(seen)
    quantized = repq(network, seen, 8)
    assert torch.equal(network(seen), before)
    # Powers of sqrt 2 are 9 % off an even row's probabilities.
    assert 20 < sqnr_db(before, quantized(seen)) < 60
    assert torch.equal(quantized(seen), quantized(seen))


@torch.no_grad()
def test_channels_after_a_layernorm_have_steps_of_their_own():
    """A channel a hundred times as large costs the others nothing."""
    network, seen = float_vit(depth=1), images(4)
    norm, qkv = network.blocks[0].norm1, network.blocks[0].attn.qkv
    plain = sqnr_db(network(seen), repq(network, seen, 6)(seen))
    norm.weight[3] *= 100
    norm.bias[3] *= 100
    qkv.weight[:, 3] /= 100
    hard = sqnr_db(network(seen), repq(network, seen, 6)(seen))
    assert abs(plain - hard) < 1


@torch.no_grad()
def test_probabilities_are_powers_of_the_root_of_two():
    network, seen = float_vit(depth=1), images(2)
    quantized, rows = repq(network, seen, 4), []
    quantized.blocks[0].attn.softmax.register_forward_hook(
        lambda _, __, y: rows.append(y))
    quantized(seen)
    powers = rows[0][rows[0] > 0].double().log2() * 2
    apart = powers - powers.max()
    assert torch.allclose(apart, apart.round(), atol=1e-4)
    assert len(apart.round().unique()) <= 2**4
    assert math.isfinite(powers.max())


def test_what_is_no_transformer_is_refused():
    with pytest.raises(TypeError):
        repq(nn.Sequential(Mlp(4)), torch.zeros(1, 4), 8)
