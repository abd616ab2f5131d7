"""timm's float VisionTransformer -> IntVisionTransformer."""
from collections.abc import Mapping
from dataclasses import asdict

import torch
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer

from ..assignment import Layer
from ..calibration import Site
from ..functions.base import Candidate
from ..models.classifiers.vit import IntVisionTransformer, VitStructure
from ..models.detectors.swin_backbone import DEFAULT_BITS
from .block import BlockNames, network_layers
from .filling import Filling, image_columns, set_scale
from .lowering import lowering_of
from .rounding.rounding import Roundings, nearest_everywhere
from .scale import fill
from .swin_sites import linears
from .vit_parts import (
    block_names,
    check_vit,
    embeddings,
    head_names,
    nonlinear_layers,
    norm_name,
    pooled_tokens,
    readers,
    vit_sites,
)
from .vit_scales import VitScales


def vit_structure(vit: VisionTransformer) -> VitStructure:
    """What a float network is made of."""
    block = vit.blocks[0]
    return VitStructure(
        img_size=tuple(vit.patch_embed.img_size),
        patch_size=vit.patch_embed.patch_size[0],
        in_chans=vit.patch_embed.proj.in_channels,
        num_classes=vit.num_classes,
        embed_dim=vit.embed_dim,
        depth=len(vit.blocks),
        num_heads=block.attn.num_heads,
        hidden=block.mlp.fc1.out_features,
        prefix_tokens=vit.num_prefix_tokens,
        pos_embed=vit.pos_embed is not None,
        global_pool=vit.global_pool,
        distilled=len(head_names(vit)) == 2,
        pool_include_prefix=vit.pool_include_prefix,
        fc_norm=norm_name(vit) == 'fc_norm')


@lowering_of.register(VisionTransformer)
@lowering_of.register(VisionTransformerDistilled)
class VitLowering:
    """timm's ViT or DeiT -> IntVisionTransformer; a ``Lowering``.

    Args:
        vit (VisionTransformer): The float network; to be calibrated it must
            be ``watchable``.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Raises:
        TypeError: If a part of it has no integer form.
    """

    def __init__(self, vit: VisionTransformer,
                 bits: Mapping[str, int] = DEFAULT_BITS):
        check_vit(vit)
        self.vit, self.bits = vit, bits

    def sites(self) -> dict[str, Site]:
        return vit_sites(self.vit, self.bits)

    def nonlinear_layers(self) -> dict[str, str]:
        return nonlinear_layers(self.vit)

    def linears(self) -> dict[str, Site]:
        return linears(self.vit, self.bits)

    def readers(self) -> dict[str, str]:
        return readers(self.vit)

    def blocks(self) -> list[BlockNames]:
        return block_names(self.vit)

    def layers(self, thresholds: Mapping[str, float]) -> dict[str, Layer]:
        return network_layers(self.nonlinear_layers(),
                              VitScales(self.vit, thresholds, self.bits))

    @torch.no_grad()
    def lower(self,
              thresholds: Mapping[str, float],
              functions: Mapping[str, Candidate],
              roundings: Roundings = nearest_everywhere
              ) -> IntVisionTransformer:
        names = {
            layer: functions[layer].name
            for layer in self.nonlinear_layers()
        }
        model = IntVisionTransformer(
            functions=names, bits=dict(self.bits),
            **asdict(vit_structure(self.vit)))
        scales = VitScales(self.vit, thresholds, self.bits)
        filling = Filling(self.vit, scales, functions, roundings)
        self._embed(model, scales, filling)
        for block, names in zip(model.body.blocks, block_names(self.vit)):
            filling.block(block, names, scales.stream())
        self._head(model, scales, filling)
        return model.eval()

    def _embed(self, model: IntVisionTransformer, scales: VitScales,
               filling: Filling) -> None:
        body, image, stream = model.body, scales.image(), scales.stream()
        filling.linear(body.patch_embed.projection, 'patch_embed.proj', image,
                       stream,
                       image_columns(self.vit.patch_embed.proj.weight))
        prefix, position = embeddings(self.vit)
        fill(body.prefix.tokens, (prefix.cpu() / stream).round())
        if self.vit.pos_embed is not None:
            fill(body.position.embedding, (position.cpu() / stream).round())
        set_scale(model.quantize.scale, image)

    def _head(self, model: IntVisionTransformer, scales: VitScales,
              filling: Filling) -> None:
        head, logits = model.body.head, scales.logits()
        names, norm = head_names(self.vit), norm_name(self.vit)
        if self.vit.global_pool == 'token':
            filling.norm(head.norm, norm)
            targets = head.heads
        else:
            filling.norm(head.norm if norm == 'norm' else head.fc_norm, norm)
            filling.pool(head.pool, *scales.pool(), pooled_tokens(self.vit))
            targets = [head.head]
        for target, name in zip(targets, names):
            filling.linear(target, name, scales.head_input(), logits,
                           zero=target.ZERO)
        # DeiT takes the mean of its classifiers, of which there is the sum.
        set_scale(model.dequantize.scale, logits / len(names))
