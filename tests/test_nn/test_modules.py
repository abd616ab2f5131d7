import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.models.backbones.swin import WindowMSA
from mmdet.models.layers import PatchMerging

from iptq_mm.nn import Dequantize, Quantize
from iptq_mm.nn.attention import relative_position_index
from iptq_mm.nn.patch import cut_patches


@pytest.mark.parametrize('window', [1, 2, 7, 12])
def test_relative_positions_are_mmdets(window):
    msa = WindowMSA(4, 1, (window, window))
    assert torch.equal(
        relative_position_index(window), msa.relative_position_index)


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(1, 9), width=st.integers(1, 9),
    channels=st.integers(1, 3), stride=st.integers(1, 3))
def test_patches_are_mmdets_unfold_in_another_order(height, width, channels,
                                                    stride):
    x = torch.arange(2 * height * width * channels).view(
        2, height, width, channels)
    merging = PatchMerging(channels, 1, stride=stride, norm_cfg=None)
    seen = []
    merging.reduction.register_forward_pre_hook(
        lambda module, args: seen.append(args[0]))
    merging(x.float().flatten(1, 2), (height, width))
    patches = cut_patches(x, 2, stride)
    expected = seen[0].long().view(2, -1, channels, 4).transpose(2, 3)
    assert torch.equal(patches.flatten(1, 2), expected.flatten(2))


def set_scale(border, m, n):
    border.scale.m.fill_(m)
    border.scale.n.fill_(n)
    return border


def test_quantize_rounds_half_up_and_saturates():
    quantize = set_scale(Quantize(8), 2**30, 31)  # S = 1/2
    x = torch.tensor([0.25, -0.25, 0.74, 0.76, 1e9, -1e9])
    assert quantize(x).tolist() == [1, 0, 1, 2, 127, -127]
    assert quantize(x).dtype == torch.int8


def test_dequantize_inverts_quantize_within_half_a_step():
    m, n = 1234567890, 36
    step = m / 2**n
    x = torch.linspace(-126 * step, 126 * step, 1001)
    quantize = set_scale(Quantize(8), m, n)
    dequantize = set_scale(Dequantize(), m, n)
    assert (dequantize(quantize(x)) - x).abs().max() <= step / 2 * (1 + 1e-5)
