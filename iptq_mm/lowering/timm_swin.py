"""timm's float SwinTransformer -> IntSwinClassifier."""
from collections.abc import Mapping
from dataclasses import asdict

import torch
from timm.models.swin_transformer import SwinTransformer

from ..assignment import Layer
from ..calibration import Site
from ..functions.base import Candidate
from ..models.classifiers.swin import IntSwinClassifier, SwinStructure
from ..models.detectors.swin_backbone import DEFAULT_BITS
from .block import BlockNames, network_layers
from .filling import Filling, image_columns, set_scale
from .lowering import lowering_of
from .rounding.rounding import Roundings, nearest_everywhere
from .swin_sites import linears
from .timm_swin_parts import (
    CLASSIFIER,
    TimmSwinScales,
    all_blocks,
    block_names,
    check_swin,
    mergings,
    nonlinear_layers,
    readers,
    swin_sites,
)


def swin_structure(swin: SwinTransformer) -> SwinStructure:
    """What a float network is made of."""
    blocks = [stage.blocks[0] for stage in swin.layers]
    return SwinStructure(
        img_size=tuple(swin.patch_embed.img_size),
        patch_size=swin.patch_embed.patch_size[0],
        in_chans=swin.patch_embed.proj.in_channels,
        num_classes=swin.num_classes,
        embed_dims=tuple(block.dim for block in blocks),
        depths=tuple(len(stage.blocks) for stage in swin.layers),
        num_heads=tuple(block.attn.num_heads for block in blocks),
        hidden=tuple(block.mlp.fc1.out_features for block in blocks),
        windows=tuple(block.window_size[0] for block in blocks),
        shifts=tuple(
            max(block.shift_size[0] for block in stage.blocks)
            for stage in swin.layers))


@lowering_of.register(SwinTransformer)
class TimmSwinLowering:
    """timm's SwinTransformer -> IntSwinClassifier; a ``Lowering``.

    Args:
        swin (SwinTransformer): The float network; to be calibrated it must
            be ``watchable``.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Raises:
        TypeError: If a part of it has no integer form.
    """

    def __init__(self, swin: SwinTransformer,
                 bits: Mapping[str, int] = DEFAULT_BITS):
        check_swin(swin)
        self.swin, self.bits = swin, bits

    def sites(self) -> dict[str, Site]:
        return swin_sites(self.swin, self.bits)

    def nonlinear_layers(self) -> dict[str, str]:
        return nonlinear_layers(self.swin)

    def linears(self) -> dict[str, Site]:
        return linears(self.swin, self.bits)

    def readers(self) -> dict[str, str]:
        return readers(self.swin)

    def blocks(self) -> list[BlockNames]:
        return all_blocks(self.swin)

    def layers(self, thresholds: Mapping[str, float]) -> dict[str, Layer]:
        return network_layers(
            self.nonlinear_layers(),
            TimmSwinScales(self.swin, thresholds, self.bits))

    @torch.no_grad()
    def lower(self,
              thresholds: Mapping[str, float],
              functions: Mapping[str, Candidate],
              roundings: Roundings = nearest_everywhere
              ) -> IntSwinClassifier:
        names = {
            layer: functions[layer].name
            for layer in self.nonlinear_layers()
        }
        model = IntSwinClassifier(
            functions=names, bits=dict(self.bits),
            **asdict(swin_structure(self.swin)))
        scales = TimmSwinScales(self.swin, thresholds, self.bits)
        filling = Filling(self.swin, scales, functions, roundings)
        self._embed(model, scales, filling)
        for stage, name in enumerate(mergings(self.swin), 1):
            self._merge(model, stage, name, scales, filling)
        for i, layer in enumerate(model.body.layers):
            for block, names in zip(layer.blocks, block_names(self.swin, i)):
                filling.block(block, names, scales.stream(i))
        head, logits = model.body.head, scales.logits()
        filling.norm(head.norm, 'norm')
        filling.pool(head.pool, *scales.pool(), self._pooled_tokens())
        filling.linear(head.head, CLASSIFIER, scales.pool()[1], logits,
                       zero=head.head.ZERO)
        set_scale(model.dequantize.scale, logits)
        return model.eval()

    def _embed(self, model: IntSwinClassifier, scales: TimmSwinScales,
               filling: Filling) -> None:
        target, image = model.body.patch_embed, scales.image()
        filling.linear(target.projection, 'patch_embed.proj', image,
                       scales.norm('patch_embed.norm').input,
                       image_columns(self.swin.patch_embed.proj.weight))
        filling.norm(target.norm, 'patch_embed.norm')
        set_scale(model.quantize.scale, image)

    def _merge(self, model: IntSwinClassifier, stage: int, name: str,
               scales: TimmSwinScales, filling: Filling) -> None:
        target = model.body.layers[stage].downsample
        channels = self.swin.get_submodule(name).dim
        # timm orders the neighbours by column, cut_patches by row.
        columns = torch.arange(4 * channels).view(2, 2, channels).transpose(
            0, 1).reshape(-1)
        filling.norm(target.norm, f'{name}.norm', columns)
        filling.linear(target.reduction, f'{name}.reduction',
                       scales.norm(f'{name}.norm').output,
                       scales.stream(stage), columns)

    def _pooled_tokens(self) -> int:
        height, width = self.swin.layers[-1].output_resolution
        return height * width
