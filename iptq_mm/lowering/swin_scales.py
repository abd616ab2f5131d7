"""The scales of an integer Swin, from the thresholds of its sites.

Stage 1 judges the candidates at these scales and lowering uses the same ones,
so what was judged is what runs.
"""
import re
from collections.abc import Mapping

from mmdet.models.backbones.swin import SwinTransformer

from .block import NormScales, Scales, stream_sites
from .scale import scale_of
from .swin_sites import block_names


class SwinScales:
    """Scales by module name of the float backbone.

    Args:
        swin (SwinTransformer): The float backbone.
        thresholds (Mapping[str, float]): Of every site of ``swin_sites``.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """

    def __init__(self, swin: SwinTransformer, thresholds: Mapping[str, float],
                 bits: Mapping[str, int]):
        self.swin, self.bits = swin, bits
        self.thresholds = thresholds
        self.sites = Scales(swin, thresholds, bits)

    def image(self) -> float:
        """The input image, which has 8 bits."""
        return scale_of(self.thresholds['patch_embed:input'], 8)

    def stream(self, stage: int) -> float:
        """The residual stream of a stage, and the branches added to it."""
        sites = ['patch_embed:output'] if stage == 0 else []
        for block in block_names(self.swin, stage):
            sites += stream_sites(block)
        return self.sites.residual(*sites)

    def norm(self, layer: str) -> NormScales:
        """Of a LayerNorm by its module name."""
        residual = self.bits['residual']
        if layer == 'patch_embed.norm':
            return NormScales(
                self.sites.residual('patch_embed.projection:output'),
                self.stream(0), residual)
        stream = self.stream(int(re.search(r'\d+', layer)[0]))
        if layer.startswith('norm'):
            output = self.bits['output']
            return NormScales(
                stream, scale_of(self.thresholds[f'{layer}:output'], output),
                output)
        site = f'{layer}:output'
        if layer.endswith('downsample.norm'):
            site = layer.removesuffix('norm') + 'reduction:input'
        return NormScales(stream, self.sites.activation(site),
                          self.bits['activation'])
