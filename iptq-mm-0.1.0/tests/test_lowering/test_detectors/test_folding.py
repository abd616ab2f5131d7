"""BatchNorm folded into the convolutions of a float part."""
import copy

import pytest
import torch
from mmcv.cnn import ConvModule
from mmdet.models.necks import FPN
from torch import nn

from iptq_mm.lowering.detectors.folding import fold_norms


def module(**kwargs):
    torch.manual_seed(0)
    result = ConvModule(3, 4, 3, padding=1, **kwargs).eval()
    if isinstance(result.norm, nn.modules.batchnorm._BatchNorm):
        for tensor in result.norm.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(.5, 2.)
    return result


@pytest.mark.parametrize('norm', [
    dict(type='BN'), dict(type='BN', eps=.1), dict(type='SyncBN'),
    dict(type='BN', affine=False)])
@pytest.mark.parametrize('bias', [True, False])
@torch.no_grad()
def test_the_convolution_computes_both(norm, bias):
    source = module(norm_cfg=norm, bias=bias)
    folded = copy.deepcopy(source)
    fold_norms(folded)
    x = torch.randn(2, 3, 9, 7)
    normalized = source.activate(source.norm(source.conv(x)))
    torch.testing.assert_close(folded(x), normalized)
    assert not folded.with_norm and folded.norm is None
    assert set(folded.state_dict()) == {'conv.weight', 'conv.bias'}


@pytest.mark.parametrize('kwargs', [
    dict(norm_cfg=dict(type='GN', num_groups=2)),
    dict(norm_cfg=dict(type='BN', track_running_stats=False)),
    dict(norm_cfg=dict(type='BN'), order=('norm', 'conv', 'act')),
    dict(norm_cfg=dict(type='BN'), order=('conv', 'act', 'norm'))])
def test_what_cannot_be_folded_stays(kwargs):
    source = module(**kwargs)
    names = set(source.state_dict())
    fold_norms(source)
    assert source.with_norm and set(source.state_dict()) == names


@torch.no_grad()
def test_every_convolution_of_a_part():
    torch.manual_seed(0)
    neck = FPN([3, 4], 8, 2, norm_cfg=dict(type='BN')).eval()
    maps = [torch.randn(1, 3, 8, 8), torch.randn(1, 4, 4, 4)]
    expected = neck(maps)
    fold_norms(neck)
    assert not any(isinstance(part, nn.BatchNorm2d)
                   for part in neck.modules())
    torch.testing.assert_close(neck(maps), expected)
