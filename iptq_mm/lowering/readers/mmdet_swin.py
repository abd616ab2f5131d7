"""mmdet's float SwinTransformer -> IntSwinTransformer."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from mmdet.models.backbones.swin import SwinTransformer
from torch import nn

from ...models import IntSwinTransformer
from ...models.detectors.swin_backbone import DEFAULT_BITS
from ..lowering import lowering_of
from ..pixels import image_kind, pad_pixel
from ..transformer.block import BlockNames
from ..transformer.description import (
    Description,
    Embedded,
    Merging,
    Patches,
    Stage,
    Window,
)
from ..transformer.lowering import Target, TransformerLowering


def block_names(block: str) -> BlockNames:
    """Module names inside a block."""
    attn, ffn = f'{block}.attn.w_msa', f'{block}.ffn.layers'
    return BlockNames(
        block,
        norm1=f'{block}.norm1',
        attn=attn,
        norm2=f'{block}.norm2',
        fc1=f'{ffn}.0.0',
        gelu=f'{ffn}.0.1',
        fc2=f'{ffn}.1',
        branch1=f'{attn}.proj',
        branch2=f'{ffn}.1')


class SwinReader:
    """A ``Reader`` of mmdet's Swin.

    Args:
        swin (SwinTransformer): The float backbone.
    """

    def __init__(self, swin: SwinTransformer):
        self.swin = swin

    def description(self) -> Description:
        swin = self.swin
        patches = Patches(
            'patch_embed', 'patch_embed.projection',
            None if swin.patch_embed.norm is None else 'patch_embed.norm',
            pad_pixel(swin.patch_embed))
        description = Description(
            swin, patches, [self._stage(i) for i in range(len(swin.stages))],
            self._embedded())
        _check_layers(description)
        return description

    def _stage(self, i: int) -> Stage:
        blocks = self.swin.stages[i].blocks
        return Stage(
            [block_names(f'stages.{i}.blocks.{j}')
             for j in range(len(blocks))],
            [Window(block.attn.window_size, block.attn.shift_size)
             for block in blocks], self._merging(i - 1),
            f'norm{i}' if i in self.swin.out_indices else None)

    def _merging(self, i: int) -> Merging | None:
        """What leads out of a stage."""
        if i < 0:
            return None
        name, source = f'stages.{i}.downsample', self.swin.stages[i].downsample
        # nn.Unfold orders (channel, row, column).
        features = source.reduction.in_features
        return Merging(
            None if source.norm is None else f'{name}.norm',
            f'{name}.reduction',
            torch.arange(features).view(-1, 4).T.reshape(-1),
            source.sampler.stride[0])

    def _embedded(self) -> Embedded | None:
        if not self.swin.use_abs_pos_embed:
            return None
        position = self.swin.absolute_pos_embed.detach().double().cpu()[0]
        return Embedded(
            position[:0], position, ('absolute_pos_embed', ), in_stream=False)

    def build(self, functions: Mapping[str, str],
              bits: Mapping[str, int]) -> IntSwinTransformer:
        return IntSwinTransformer(
            **swin_config(self.swin),
            functions=functions,
            bits=bits,
            input=image_kind(self.swin.patch_embed))

    def target(self, model: IntSwinTransformer) -> Target:
        body, merging = model.body, None
        stages = []
        for stage in body.stages:
            stages.append((stage.blocks, merging))
            merging = stage.downsample
        return Target(body.patch_embed, nn.Identity(), body.position, stages,
                      [*body.norms.values()])


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


def _check_layers(description: Description) -> None:
    """Refuse another function in the place of one.

    Raises:
        TypeError: Naming the module and what is supported.
    """
    kinds = dict(gelu=nn.GELU, softmax=nn.Softmax, layernorm=nn.LayerNorm)
    swin = description.network
    for name, kind in description.nonlinear_layers().items():
        layer = swin.get_submodule(name)
        if not isinstance(layer, kinds[kind]) or getattr(
                layer, 'approximate', 'none') != 'none':
            raise TypeError(f'{type(swin).__name__} whose {name} is {layer}; '
                            f'only {kinds[kind].__name__} has an integer form '
                            f'there')


@lowering_of.register(SwinTransformer)
def lowering_of_swin(swin: SwinTransformer,
                     bits: Mapping[str, int] = DEFAULT_BITS
                     ) -> TransformerLowering:
    """mmdet's SwinTransformer -> IntSwinTransformer."""
    return TransformerLowering(SwinReader(swin), bits)
