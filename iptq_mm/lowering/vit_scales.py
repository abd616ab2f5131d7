"""The scales of an integer ViT, from the thresholds of its sites."""
from collections.abc import Mapping

import torch
from timm.models.vision_transformer import VisionTransformer

from .block import NormScales, Scales, stream_sites
from .scale import scale_of
from .vit_parts import block_names, embeddings, head_names, norm_name


class VitScales:
    """Scales by module name of the float network.

    Args:
        vit (VisionTransformer): The float network.
        thresholds (Mapping[str, float]): Of every site of ``vit_sites``.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """

    def __init__(self, vit: VisionTransformer,
                 thresholds: Mapping[str, float], bits: Mapping[str, int]):
        self.vit, self.thresholds, self.bits = vit, thresholds, bits
        self.sites = Scales(vit, thresholds, bits)

    def image(self) -> float:
        """The input image, which has 8 bits."""
        return scale_of(self.thresholds['patch_embed:input'], 8)

    def stream(self) -> float:
        """The residual stream, one scale from the patches to the last block;
        the embeddings must fit its integers before they are added."""
        sites = ['patch_embed:output']
        for names in block_names(self.vit):
            sites += stream_sites(names)
        reach = torch.cat(embeddings(self.vit)).abs().max().item()
        return max(self.sites.residual(*sites),
                   scale_of(reach, self.bits['residual']))

    def head_input(self) -> float:
        """What the classifiers take; they share a LayerNorm."""
        return self.sites.residual(*(
            f'{head}:input' for head in head_names(self.vit)))

    def logits(self) -> float:
        """The sum of all classifiers' logits, and each of them."""
        return scale_of(
            sum(self.thresholds[f'{head}:output']
                for head in head_names(self.vit)), self.bits['output'])

    def pool(self) -> tuple[float, float]:
        """Input and output of average pooling."""
        if norm_name(self.vit) == 'fc_norm':
            return self.stream(), self.sites.residual('fc_norm:input')
        return self.sites.residual('norm:output'), self.head_input()

    def norm(self, layer: str) -> NormScales:
        """Of a LayerNorm by its module name."""
        if layer.startswith('blocks.'):
            return NormScales(self.stream(),
                              self.sites.activation(f'{layer}:output'),
                              self.bits['activation'])
        before, after = self.stream(), self.head_input()
        if self.vit.global_pool == 'avg' and layer == 'fc_norm':
            before = self.sites.residual('fc_norm:input')
        elif self.vit.global_pool == 'avg':
            after = self.sites.residual('norm:output')
        return NormScales(before, after, self.bits['residual'])
