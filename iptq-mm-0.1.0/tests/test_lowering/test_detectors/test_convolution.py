import pytest
import torch
from torch import nn

from iptq_mm.lowering.detectors.convolution import (
    MAX_MOMENTS,
    MAX_ROWS,
    moments_sites,
)


def rows(layer, x):
    site = moments_sites(nn.Sequential(layer), ['0'], 8)['0']
    return site.select(x)


@pytest.mark.parametrize('kernel, stride, padding', [(3, 1, 1), (1, 1, 0),
                                                     (3, 2, 1), (2, 2, 0)])
def test_rows_times_weights_are_the_convolution(kernel, stride, padding):
    conv = nn.Conv2d(4, 5, kernel, stride, padding, bias=False)
    x = torch.randn(2, 4, 9, 11)
    y = rows(conv, x) @ conv.weight.flatten(1).T
    torch.testing.assert_close(y, conv(x).permute(0, 2, 3, 1).flatten(0, 2))


def test_rows_of_a_transposed_convolution():
    conv = nn.ConvTranspose2d(4, 5, 2, 2, bias=False)
    x = torch.randn(2, 4, 3, 3)
    y = rows(conv, x) @ conv.weight[:, :, 1, 0]
    torch.testing.assert_close(
        y, conv(x)[:, :, 1::2, ::2].permute(0, 2, 3, 1).flatten(0, 2))


@pytest.mark.parametrize('count', [0, 1, MAX_ROWS, MAX_ROWS + 1, 7 * MAX_ROWS])
def test_rows_are_bounded_and_evenly_spread(count):
    x = torch.arange(count)[:, None]
    picked = rows(nn.Linear(1, 1), x).flatten()
    assert min(count, MAX_ROWS // 2) <= len(picked) <= MAX_ROWS
    if len(picked) > 1:
        assert len(picked.diff().unique()) == 1


def test_wide_layers_have_no_moments():
    layers = nn.Sequential(nn.Linear(MAX_MOMENTS, 1),
                           nn.Linear(MAX_MOMENTS + 1, 1))
    assert list(moments_sites(layers, ['0', '1'], 8)) == ['0']
