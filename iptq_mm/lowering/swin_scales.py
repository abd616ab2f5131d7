"""The scales of an integer Swin, from the thresholds of its sites.

Stage 1 judges the candidates at these scales and lowering uses the same ones,
so what was judged is what runs.
"""
import re
from collections.abc import Mapping

from mmdet.models.backbones.swin import SwinTransformer

from ..assignment import GELULayer, Layer, LayerNormLayer, SoftmaxLayer
from .scale import scale_of
from .swin_sites import SCORE_BITS, block_names, nonlinear_layers

MIN_FUNCTION_SCALE = 2.0**-12
"""Finest input scale for which the candidates state their error bounds."""


class SwinScales:
    """Scales by module name of the float backbone.

    Args:
        swin (SwinTransformer): The float backbone.
        thresholds (Mapping[str, float]): Of every site of ``swin_sites``.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """

    def __init__(self, swin: SwinTransformer, thresholds: Mapping[str, float],
                 bits: Mapping[str, int]):
        self.swin, self.thresholds, self.bits = swin, thresholds, bits

    def activation(self, site: str) -> float:
        """What enters a matrix product."""
        return scale_of(self.thresholds[site], self.bits['activation'])

    def image(self) -> float:
        """The input image, which has 8 bits."""
        return scale_of(self.thresholds['patch_embed:input'], 8)

    def stream(self, stage: int) -> float:
        """The residual stream of a stage, and the branches added to it."""
        sites = ['patch_embed:output'] if stage == 0 else []
        for block in block_names(self.swin, stage):
            sites += [
                f'{block}.norm1:input', f'{block}.attn.w_msa.proj:output',
                f'{block}.norm2:input', f'{block}.ffn.layers.1:output',
                f'{block}:output'
            ]
        return scale_of(max(self.thresholds[site] for site in sites),
                        self.bits['residual'])

    def scores(self, msa: str) -> float:
        """Attention scores; before and after the position bias they must fit
        the same integers."""
        table = self.swin.get_submodule(msa).relative_position_bias_table
        reach = (self.thresholds[f'{msa}.softmax:input'] +
                 table.detach().double().abs().max().item())
        return max(scale_of(reach, SCORE_BITS), MIN_FUNCTION_SCALE)

    def gelu(self, layer: str) -> tuple[float, float]:
        """Input and output of a GELU, which is ``...layers.0.1``."""
        linear = layer.removesuffix('1') + '0'
        return (max(self.activation(f'{linear}:output'), MIN_FUNCTION_SCALE),
                self.activation(f'{layer}:output'))

    def norm(self, layer: str) -> tuple[float, float, int]:
        """Input and output of a LayerNorm, and the width of its output."""
        if layer == 'patch_embed.norm':
            residual = self.bits['residual']
            tokens = self.thresholds['patch_embed.projection:output']
            return scale_of(tokens, residual), self.stream(0), residual
        stream = self.stream(int(re.search(r'\d+', layer)[0]))
        if layer.startswith('norm'):
            output = self.bits['output']
            return (stream, scale_of(self.thresholds[f'{layer}:output'],
                                     output), output)
        site = f'{layer}:output'
        if layer.endswith('downsample.norm'):
            site = layer.removesuffix('norm') + 'reduction:input'
        return stream, self.activation(site), self.bits['activation']

    def layers(self) -> dict[str, Layer]:
        """Every non-linear layer as stage 1 sees it, by name, in the order
        of the forward pass."""
        return {
            name: self._layer(name, kind)
            for name, kind in nonlinear_layers(self.swin).items()
        }

    def _layer(self, name: str, kind: str) -> Layer:
        if kind == 'gelu':
            return GELULayer(*self.gelu(name))
        if kind == 'softmax':
            return SoftmaxLayer(self.scores(name.removesuffix('.softmax')),
                                self.bits['attention'])
        norm = self.swin.get_submodule(name)
        return LayerNormLayer(*self.norm(name), norm.weight.detach().cpu(),
                              norm.bias.detach().cpu(), norm.eps)
