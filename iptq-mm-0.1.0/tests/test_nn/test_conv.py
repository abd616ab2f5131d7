import pytest
import torch
import torch.nn.functional as F

from iptq_mm.nn import IntConvTranspose2d, upsample_nearest


@pytest.mark.parametrize('relu', [False, True])
def test_transposed_convolution(relu):
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(-127, 128, (2, 3, 5, 4), generator=generator)
    weight = torch.randint(-127, 128, (4, 6, 2, 2), generator=generator)
    module = IntConvTranspose2d(4, 6, 2, relu, 16)
    layer = module.blocks
    layer.weight.copy_(weight.permute(2, 3, 1, 0).flatten(0, 2))
    layer.m.fill_(2**30)
    layer.n.fill_(32)  # a quarter
    exact = F.conv_transpose2d(
        x.permute(0, 3, 1, 2).double(), weight.double(), stride=2)
    expected = (exact.permute(0, 2, 3, 1) / 4 + .5).floor().long()
    y = module(x.to(torch.int8))
    assert y.dtype == torch.int16
    assert torch.equal(y.long(), expected.clamp(min=0) if relu else expected)


def test_nearest_is_torchs_at_every_size_of_a_pyramid():
    """A level is as large as the finer one halved, rounded up or down."""
    for fine in range(2, 700):
        for coarse in {fine // 2, (fine + 1) // 2}:
            x = torch.arange(coarse)
            expected = F.interpolate(x[None, None].float(), fine)[0, 0]
            y = upsample_nearest(x.view(1, -1, 1, 1), fine, 1)
            assert torch.equal(y.flatten(), expected.long())


def test_nearest_in_both_directions():
    x = torch.arange(2 * 3 * 4 * 2).view(2, 3, 4, 2)
    expected = F.interpolate(x.permute(0, 3, 1, 2).double(), (6, 7))
    assert torch.equal(
        upsample_nearest(x, 6, 7), expected.permute(0, 2, 3, 1).long())
