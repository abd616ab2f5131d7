"""Float backbones to compare runtimes on; their weights are seeded noise.

How fast a runtime is does not depend on what the weights are.
"""
import torch
from mmdet.models.backbones.swin import SwinTransformer
from torch import nn

BACKBONES = dict(
    swin_nano=dict(
        embed_dims=32, depths=(2, 2, 4, 2), num_heads=(1, 2, 4, 8)),
    swin_t=dict(
        embed_dims=96, depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24)),
    swin_s=dict(
        embed_dims=96, depths=(2, 2, 18, 2), num_heads=(3, 6, 12, 24)),
    swin_b=dict(
        embed_dims=128, depths=(2, 2, 18, 2), num_heads=(4, 8, 16, 32)))
"""Arguments of mmdet's ``SwinTransformer``, all with windows of 7."""


def float_backbone(name: str) -> nn.Module:
    """A stock backbone in evaluation mode.

    Args:
        name (str): Key of ``BACKBONES``.
    """
    torch.manual_seed(0)
    backbone = SwinTransformer(**BACKBONES[name])
    backbone.eval()
    for weight in backbone.parameters():
        if weight.dim() > 1:
            nn.init.normal_(weight, std=weight.shape[-1]**-0.5)
    return backbone
