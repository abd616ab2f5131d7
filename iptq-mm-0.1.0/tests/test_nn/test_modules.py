import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.models.layers import PatchMerging
from torch import nn

from iptq_mm import ops
from iptq_mm.functions import BitSoftmax
from iptq_mm.nn import Dequantize, IntPatchEmbed, IntWindowAttention, Quantize
from iptq_mm.ops import cut_patches

from integers import fill


@settings(max_examples=40)
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


@settings(max_examples=40)
@given(
    height=st.integers(1, 20), width=st.integers(1, 20),
    channels=st.integers(1, 4), patch=st.integers(1, 9),
    seed=st.integers(0, 10**6))
def test_patch_embedding_is_a_linear_layer_on_patches(height, width, channels,
                                                      patch, seed):
    generator = torch.Generator().manual_seed(seed)
    embed = IntPatchEmbed(channels, 5, patch, nn.Identity())
    layer = fill(embed.projection, generator)
    image = torch.randint(-128, 128, (2, channels, height, width),
                          generator=generator).to(torch.int8)
    expected = ops.linear(
        cut_patches(image.permute(0, 2, 3, 1), patch, patch), layer.weight,
        layer.bias, layer.m, layer.n, 16)
    assert torch.equal(embed(image), expected)


def test_a_padding_token_goes_through_qkv():
    """Attention with padding is that of a map with zeros around it."""
    generator = torch.Generator().manual_seed(0)
    attention = IntWindowAttention(6, 2, 4, 0, 8, 'bit_softmax')
    fill(attention.qkv, generator), fill(attention.proj, generator)
    attention.params.copy_(BitSoftmax().lower(2.0**-6))
    attention.score.copy_(torch.tensor([2**30, 36]))
    attention.output.copy_(torch.tensor([2**30, 38]))
    x = torch.randint(-127, 128, (1, 7, 5, 6), generator=generator).to(
        torch.int8)
    padded = x.new_zeros(1, 8, 8, 6)
    padded[:, :7, :5] = x
    stream = torch.zeros(1, 8, 8, 6, dtype=torch.int16)
    expected = attention(padded, stream)[:, :7, :5]
    assert torch.equal(attention(x, stream[:, :7, :5]), expected)


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
