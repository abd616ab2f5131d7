"""Swin Transformer on integers (Liu et al., arXiv:2103.14030, figure 3).

The residual stream is int16 [B, H, W, C] and keeps one scale from the start
of a stage to its end, so that residual additions are exact.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ..nn import IntLayerNorm, IntPatchEmbed, IntPatchMerging
from .block import IntBlock


class IntSwinStage(nn.Module):
    """Blocks of one resolution; int16 -> int16 [B, H, W, C].

    Args:
        blocks (Sequence[IntBlock]): Plain and shifted in turn.
        downsample (IntPatchMerging | None): What leads to the next stage.
    """

    def __init__(self, blocks: Sequence[IntBlock],
                 downsample: IntPatchMerging | None):
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x)


class IntSwin(nn.Module):
    """The integer region: quantized image in, quantized features out.

    int8 [B, in_channels, H, W] -> for each output index i, integers
    [B, H_i, W_i, C 2^i].

    Args:
        patch_embed (IntPatchEmbed): Image to stream.
        position (nn.Module): What is added to the patches, or ``Identity``.
        stages (Sequence[IntSwinStage]): Fine to coarse.
        norms (Mapping[int, IntLayerNorm]): Output norm of each output stage.
    """

    integer_region = True

    def __init__(self, patch_embed: IntPatchEmbed, position: nn.Module,
                 stages: Sequence[IntSwinStage],
                 norms: Mapping[int, IntLayerNorm]):
        super().__init__()
        self.patch_embed = patch_embed
        self.position = position
        self.stages = nn.ModuleList(stages)
        self.norms = nn.ModuleDict({str(i): norm for i, norm in norms.items()})

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        x = self.position(self.patch_embed(image))
        outputs = []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if str(i) in self.norms:
                outputs.append(self.norms[str(i)](x))
            if stage.downsample is not None:
                x = stage.downsample(x)
        return tuple(outputs)
