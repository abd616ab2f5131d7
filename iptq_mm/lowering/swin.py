"""mmdet's float SwinTransformer -> IntSwinTransformer."""
from collections.abc import Mapping

import torch
from mmdet.models.backbones.swin import SwinTransformer

from ..assignment import Layer
from ..calibration import Site
from ..functions.base import Candidate
from ..models import IntSwinTransformer
from ..models.detectors.swin_backbone import DEFAULT_BITS
from ..nn import IntPatchMerging
from .block import BlockNames, network_layers
from .filling import Filling, image_columns, set_scale
from .lowering import lowering_of
from .rounding.rounding import Roundings, nearest_everywhere
from .scale import dyadic_tensors, fill
from .swin_scales import SwinScales
from .swin_sites import (
    all_blocks,
    block_names,
    check_layers,
    linears,
    nonlinear_layers,
    readers,
    swin_sites,
)


class _SwinFilling:
    """What Swin has beside its blocks: patch embedding and merging.

    Args:
        swin (SwinTransformer): The float backbone.
        scales (SwinScales): Its scales.
        filling (Filling): Of the same backbone.
    """

    def __init__(self, swin: SwinTransformer, scales: SwinScales,
                 filling: Filling):
        self.swin, self.scales, self.filling = swin, scales, filling

    def patch_embed(self, model: IntSwinTransformer) -> None:
        source, target = self.swin.patch_embed, model.body.patch_embed
        image, tokens = self.scales.image(), self.scales.stream(0)
        if source.norm is not None:
            tokens = self.scales.norm('patch_embed.norm').input
            self.filling.norm(target.norm, 'patch_embed.norm')
        self.filling.linear(target.projection, 'patch_embed.projection', image,
                            tokens, image_columns(source.projection.weight))
        set_scale(model.quantize.scale, image)
        if self.swin.use_abs_pos_embed:
            position = self.swin.absolute_pos_embed.detach().double().cpu()
            fill(model.body.position.embedding,
                 (position[0] / self.scales.stream(0)).round())

    def merging(self, target: IntPatchMerging, stage: int) -> None:
        name = f'stages.{stage}.downsample'
        source = self.swin.get_submodule(name)
        inside = self.scales.sites.activation(f'{name}.reduction:input')
        # nn.Unfold orders (channel, row, column), cut_patches the reverse.
        features = source.reduction.in_features
        columns = torch.arange(features).view(-1, 4).T.reshape(-1)
        if source.norm is None:
            m, n = dyadic_tensors(self.scales.stream(stage) / inside)
            fill(target.norm.m, m)
            fill(target.norm.n, n)
        else:
            self.filling.norm(target.norm, f'{name}.norm', columns)
        self.filling.linear(target.reduction, f'{name}.reduction', inside,
                            self.scales.stream(stage + 1), columns)


def swin_config(swin: SwinTransformer) -> dict:
    """Keyword arguments that rebuild the structure of a float backbone."""
    stages = swin.stages
    block = stages[0].blocks[0]
    patch = swin.patch_embed.projection.stride[0]
    config = dict(
        in_channels=swin.patch_embed.projection.in_channels,
        embed_dims=swin.patch_embed.embed_dims,
        patch_size=patch,
        window_size=block.attn.window_size,
        mlp_ratio=block.ffn.feedforward_channels // block.ffn.embed_dims,
        depths=tuple(len(stage.blocks) for stage in stages),
        num_heads=tuple(s.blocks[0].attn.w_msa.num_heads for s in stages),
        strides=(patch, *(s.downsample.sampler.stride[0] for s in stages
                          if s.downsample is not None)),
        out_indices=tuple(swin.out_indices),
        patch_norm=swin.patch_embed.norm is not None,
        use_abs_pos_embed=swin.use_abs_pos_embed)
    if swin.use_abs_pos_embed:
        # Only the number of tokens is known, and only it matters.
        config['pretrain_img_size'] = (
            patch * swin.absolute_pos_embed.shape[1], patch)
    return config


@lowering_of.register(SwinTransformer)
class SwinLowering:
    """mmdet's SwinTransformer -> IntSwinTransformer; a ``Lowering``.

    Args:
        swin (SwinTransformer): The float backbone.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Raises:
        TypeError: If a layer of it has no integer form.
    """

    def __init__(self, swin: SwinTransformer,
                 bits: Mapping[str, int] = DEFAULT_BITS):
        check_layers(swin)
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
        return network_layers(self.nonlinear_layers(),
                              SwinScales(self.swin, thresholds, self.bits))

    def lower(self,
              thresholds: Mapping[str, float],
              functions: Mapping[str, Candidate],
              roundings: Roundings = nearest_everywhere
              ) -> IntSwinTransformer:
        names = {
            layer: functions[layer].name
            for layer in self.nonlinear_layers()
        }
        model = IntSwinTransformer(
            **swin_config(self.swin), functions=names, bits=dict(self.bits))
        scales = SwinScales(self.swin, thresholds, self.bits)
        filling = Filling(self.swin, scales, functions, roundings)
        fill_in = _SwinFilling(self.swin, scales, filling)
        fill_in.patch_embed(model)
        for i, stage in enumerate(model.body.stages):
            for block, name in zip(stage.blocks, block_names(self.swin, i)):
                filling.block(block, name, scales.stream(i))
            if stage.downsample is not None:
                fill_in.merging(stage.downsample, i)
        for i, dequantize in zip(self.swin.out_indices, model.dequantize):
            filling.norm(model.body.norms[str(i)], f'norm{i}')
            set_scale(dequantize.scale, scales.norm(f'norm{i}').output)
        return model.eval()
