"""Checkpoints of mmdet's and of Microsoft's Swin detectors."""
import re
from types import SimpleNamespace

import pytest
import timm
import torch
from mmdet.models.layers import PatchMerging
from mmdet.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from torch.nn import functional as F

from iptq_mm.engine.errors import UserError
from iptq_mm.engine.inputs.checkpoint import (
    load_weights,
    read_checkpoint,
    weights_of,
)
from iptq_mm.engine.inputs.swin_keys import is_microsoft, to_mmdet

from detectors import SeededImages, hook_on, runner_of

NAMES = {
    r'\bstages\.': 'layers.',
    r'attn\.w_msa\.': 'attn.',
    r'ffn\.layers\.0\.0\.': 'mlp.fc1.',
    r'ffn\.layers\.1\.': 'mlp.fc2.',
    r'patch_embed\.projection': 'patch_embed.proj',
}
"""mmdet's names in the backbone -> Microsoft's."""

ORDER = [0, 2, 1, 3]
"""Microsoft merges the patches at (row, column) (0, 0), (1, 0), (0, 1),
(1, 1); mmdet row by row."""


def to_microsoft(weights, side):
    """Weights of mmdet's detector as Microsoft's code would save them."""
    result = {}
    for name, tensor in weights.items():
        if name.startswith('backbone.'):
            for ours, theirs in NAMES.items():
                name = re.sub(ours, theirs, name)
            if 'downsample' in name:  # channel slowest -> patch slowest
                shape = tensor.shape
                tensor = tensor.unflatten(-1, (-1, 4)).transpose(
                    -1, -2)[..., ORDER, :].reshape(shape)
            if name.endswith('absolute_pos_embed'):
                tensor = tensor.transpose(1, 2).unflatten(2, (side, side))
        result[name] = tensor
    return result


@pytest.fixture(autouse=True)
def default_scope():
    init_default_scope('mmdet')


@pytest.fixture(scope='module')
def model_config():
    return dict(
        type='RetinaNet',
        data_preprocessor=dict(type='DetDataPreprocessor'),
        backbone=dict(
            type='SwinTransformer', embed_dims=8, depths=[2, 1, 1],
            num_heads=[1, 2, 4], strides=(4, 2, 2), window_size=4,
            out_indices=(0, 1, 2), pretrain_img_size=32,
            use_abs_pos_embed=True),
        neck=dict(
            type='FPN', in_channels=[8, 16, 32], out_channels=8, num_outs=3),
        bbox_head=dict(
            type='RetinaHead', num_classes=2, in_channels=8, feat_channels=8,
            stacked_convs=1,
            anchor_generator=dict(
                type='AnchorGenerator', ratios=[1.], strides=[4, 8, 16],
                scales=[4.])))


@pytest.fixture(scope='module')
def source(model_config):
    model = runner_of(model_config, seed=1).model
    for parameter in model.parameters():  # no two channels alike
        parameter.data.normal_()
    return model


def loaded(model_config, path):
    model = MODELS.build(model_config)
    load_weights(model, weights_of(read_checkpoint(path)), str(path))
    model.eval()
    return model


@torch.no_grad()
def test_both_formats_give_the_same_model(model_config, source, tmp_path):
    weights = source.state_dict()
    torch.save(dict(state_dict=weights, meta={}), tmp_path / 'mmdet.pth')
    theirs = to_microsoft(weights, side=8)
    assert not {n for n in theirs if 'stages' in n or 'ffn' in n}
    torch.save(dict(state_dict=theirs, meta={}), tmp_path / 'microsoft.pth')
    image = torch.randn(1, 3, 32, 32)
    expected = source(image)
    for name in ('mmdet.pth', 'microsoft.pth'):
        model = loaded(model_config, tmp_path / name)
        state = model.state_dict()
        assert all(torch.equal(state[key], weights[key]) for key in weights)
        for ours, theirs in zip(model(image)[0], expected[0]):
            assert torch.equal(ours, theirs)


def test_a_stock_run_with_the_hook_loads_it_too(model_config, source, capfd):
    """mmengine loads what the hook has left in the checkpoint."""
    MMLogger.get_instance('swin_keys')
    checkpoint = dict(state_dict=to_microsoft(source.state_dict(), side=8))
    model = MODELS.build(model_config)
    hook_on(SeededImages()).after_load_checkpoint(
        SimpleNamespace(model=model), checkpoint)
    assert checkpoint['state_dict'].keys() == model.state_dict().keys()
    assert "names of Microsoft's Swin detectors" in capfd.readouterr().out


@torch.no_grad()
def test_patches_merge_as_in_microsofts_code():
    """Their forward pass, written as theirs: strided slices, concatenated."""
    torch.manual_seed(0)
    norm, reduction = torch.nn.LayerNorm(16), torch.randn(8, 16)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = torch.randn(1, 6, 4, 4)
    parts = [x[:, i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))]
    theirs = F.linear(norm(torch.cat(parts, -1).view(1, -1, 16)), reduction)

    merging = PatchMerging(4, 8)
    prefix = 'backbone.layers.0.downsample.'
    state = to_mmdet({
        f'{prefix}norm.weight': norm.weight,
        f'{prefix}norm.bias': norm.bias,
        f'{prefix}reduction.weight': reduction
    })
    merging.load_state_dict({
        name.removeprefix('backbone.stages.0.downsample.'): tensor
        for name, tensor in state.items()
    })
    ours, _ = merging(x.view(1, 24, 4), (6, 4))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_a_pretrained_backbone_is_no_detector(source, model_config, tmp_path,
                                              prefix):
    backbone = to_microsoft({
        name: tensor
        for name, tensor in source.state_dict().items()
        if name.startswith('backbone.')
    }, side=8)
    path = tmp_path / 'swin_tiny_patch4_window7_224.pth'
    torch.save(
        dict(model={
            prefix + name.removeprefix('backbone.'): tensor
            for name, tensor in backbone.items()
        } | {'head.weight': torch.zeros(5, 32)}), path)
    with pytest.raises(
            UserError, match='no weights of .*bbox_head, neck.*classification'
            '.*trained detector'):
        loaded(model_config, path)


def test_a_classifier_of_timm_keeps_its_names():
    network = timm.create_model(
        'swin_tiny_patch4_window7_224', embed_dim=24, depths=(1, 1),
        num_heads=(1, 2))
    weights = {
        f'backbone.{name}': value
        for name, value in network.state_dict().items()
    }
    assert not is_microsoft(weights)
