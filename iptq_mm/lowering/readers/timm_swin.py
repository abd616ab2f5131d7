"""timm's float SwinTransformer -> IntSwinClassifier."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import torch
from timm.models.swin_transformer import SwinTransformer
from torch import nn

from ...models.classifiers.swin import IntSwinClassifier, SwinStructure
from ...models.detectors.swin_backbone import DEFAULT_BITS
from ..lowering import lowering_of
from ..pixels import image_kind, pad_pixel
from ..transformer.description import (
    Classifier,
    Description,
    Merging,
    Patches,
    Stage,
    Window,
)
from ..transformer.lowering import Target, TransformerLowering
from .timm_block import check_block, check_norm, require, timm_names


class TimmSwinReader:
    """A ``Reader`` of timm's Swin.

    Args:
        swin (SwinTransformer): The float network; to be calibrated it must
            be ``watchable``.
    """

    def __init__(self, swin: SwinTransformer):
        self.swin = swin

    def description(self) -> Description:
        check_swin(self.swin)
        height, width = self.swin.layers[-1].output_resolution
        return Description(
            self.swin,
            Patches('patch_embed', 'patch_embed.proj', 'patch_embed.norm',
                    pad_pixel(self.swin.patch_embed)),
            [self._stage(i) for i in range(len(self.swin.layers))],
            classifier=Classifier('norm', 'after the norm', ['head.fc'], 0,
                                  height * width))

    def _stage(self, i: int) -> Stage:
        blocks = self.swin.layers[i].blocks
        return Stage(
            [timm_names(self.swin, f'layers.{i}.blocks.{j}')
             for j in range(len(blocks))],
            [Window(block.window_size[0], block.shift_size[0])
             for block in blocks], self._merging(i))

    def _merging(self, i: int) -> Merging | None:
        """What leads into a stage."""
        if i == 0:
            return None
        name = f'layers.{i}.downsample'
        channels = self.swin.get_submodule(name).dim
        # timm orders the neighbours by column.
        columns = torch.arange(4 * channels).view(2, 2, channels).transpose(
            0, 1).reshape(-1)
        return Merging(f'{name}.norm', f'{name}.reduction', columns, 2)

    def build(self, functions: Mapping[str, str],
              bits: Mapping[str, int]) -> IntSwinClassifier:
        return IntSwinClassifier(
            functions=functions, bits=bits,
            input=image_kind(self.swin.patch_embed),
            **asdict(swin_structure(self.swin)))

    def target(self, model: IntSwinClassifier) -> Target:
        body, none = model.body, nn.Identity()
        return Target(
            body.patch_embed, none, none,
            [(layer.blocks, layer.downsample if i else None)
             for i, layer in enumerate(body.layers)], head=body.head)


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


def check_swin(swin: SwinTransformer) -> None:
    """Refuse a Swin with parts that have no integer form.

    Raises:
        TypeError: Naming the part and what is supported.
    """

    def has(condition: bool, what: str, supported: str) -> None:
        require(condition, swin, what, supported)

    has(type(swin) is SwinTransformer, 'a forward pass of its own',
        'timm\'s Swin, version 1')
    # Before 1.0.31 timm's Swin does not say so itself.
    dynamic = getattr(swin, 'dynamic_img_size',
                      not swin.patch_embed.strict_img_size)
    has(not dynamic, 'dynamic_img_size', 'one image size')
    embed = swin.patch_embed
    has(embed.patch_size[0] == embed.patch_size[1],
        f'patches of {embed.patch_size}', 'square patches')
    has(all(side % patch == 0 for side, patch in zip(
        embed.img_size, embed.patch_size)),
        f'images of {embed.img_size}', 'whole patches')
    has(swin.head.global_pool.pool_type == 'avg',
        f'{swin.head.global_pool.pool_type or "no"} pooling', 'avg')
    has(isinstance(swin.head.fc, nn.Linear), 'no classifier',
        'a linear classifier')
    for norm in ('patch_embed.norm', 'norm',
                 *(f'layers.{i}.downsample.norm'
                   for i in range(1, len(swin.layers)))):
        check_norm(swin, norm)
    for i, stage in enumerate(swin.layers):
        for j, block in enumerate(stage.blocks):
            name = f'layers.{i}.blocks.{j}'
            check_block(swin, name)
            (height, width), shift = block.window_size, block.shift_size
            has(height == width and shift[0] == shift[1],
                f'windows of {height} x {width}, shifted by {shift}, in '
                f'{name}', 'square windows, shifted alike')
            # timm pads a shifted map, mmdet shifts a padded one.
            has(not shift[0] or not any(
                side % height for side in block.input_resolution),
                f'maps of {block.input_resolution} tokens in shifted windows '
                f'of {height}, in {name}', 'whole windows')


@lowering_of.register(SwinTransformer)
def lowering_of_timm_swin(swin: SwinTransformer,
                          bits: Mapping[str, int] = DEFAULT_BITS
                          ) -> TransformerLowering:
    """timm's SwinTransformer -> IntSwinClassifier."""
    return TransformerLowering(TimmSwinReader(swin), bits)
