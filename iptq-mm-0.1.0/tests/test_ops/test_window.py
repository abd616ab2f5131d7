import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.models.backbones.swin import ShiftWindowMSA, WindowMSA

from iptq_mm.ops.window import (
    relative_position_index,
    shift_regions,
    window_merge,
    window_partition,
)


@settings(max_examples=30)
@given(
    batch=st.integers(1, 3), rows=st.integers(1, 4), cols=st.integers(1, 4),
    window=st.integers(1, 7), channels=st.integers(1, 5))
def test_merge_inverts_partition(batch, rows, cols, window, channels):
    x = torch.arange(batch * rows * cols * window**2 * channels).view(
        batch, rows * window, cols * window, channels)
    windows = window_partition(x, window)
    assert windows.shape == (batch * rows * cols, window**2, channels)
    assert torch.equal(
        window_merge(windows, window, rows * window, cols * window), x)


def test_partition_is_mmdets():
    msa = ShiftWindowMSA(embed_dims=4, num_heads=1, window_size=3)
    x = torch.arange(2 * 6 * 9 * 4).view(2, 6, 9, 4)
    assert torch.equal(
        window_partition(x, 3),
        msa.window_partition(x).view(-1, 9, 4))


@pytest.mark.parametrize('height, width, window, shift', [
    (7, 7, 7, 3), (14, 7, 7, 3), (21, 28, 7, 3), (24, 12, 12, 6), (4, 6, 2, 1)
])
def test_regions_separate_what_mmdet_masks(height, width, window, shift):
    regions = shift_regions(height, width, window, shift, torch.device('cpu'))
    apart = regions[:, None] != regions[:, :, None]

    # mmdet's mask is built inside forward: catch it on its way to W-MSA.
    msa = ShiftWindowMSA(
        embed_dims=4, num_heads=1, window_size=window, shift_size=shift)
    seen = []
    msa.w_msa.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs['mask']),
        with_kwargs=True)
    msa(torch.zeros(1, height * width, 4), (height, width))
    assert torch.equal(apart, seen[0] == -100)


@pytest.mark.parametrize('window', [1, 2, 7, 12])
def test_relative_positions_are_mmdets(window):
    msa = WindowMSA(4, 1, (window, window))
    assert torch.equal(
        relative_position_index(window, torch.device('cpu')),
        msa.relative_position_index)
