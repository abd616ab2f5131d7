"""timm's float ViT or DeiT -> IntVisionTransformer."""
from collections.abc import Mapping
from dataclasses import asdict

import torch
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from ...models.classifiers.vit import (
    IntVisionTransformer,
    VitStructure,
    segments,
)
from ...models.detectors.swin_backbone import DEFAULT_BITS
from ..lowering import lowering_of
from ..pixels import image_kind, pad_pixel
from ..transformer.description import (
    Classifier,
    Description,
    Embedded,
    Patches,
    Stage,
)
from ..transformer.lowering import Target, TransformerLowering
from .timm_block import check_block, check_norm, require, timm_names

TOKENS = ('cls_token', 'dist_token', 'reg_token')
"""What may be put before the patches."""


class VitReader:
    """A ``Reader`` of timm's ViT and DeiT.

    Args:
        vit (VisionTransformer): The float network; to be calibrated it must
            be ``watchable``.
    """

    def __init__(self, vit: VisionTransformer):
        self.vit = vit

    def description(self) -> Description:
        vit = self.vit
        check_vit(vit)
        prefix, position = embeddings(vit)
        return Description(
            vit, Patches('patch_embed', 'patch_embed.proj', None,
                         pad_pixel(vit.patch_embed)), [
                Stage([timm_names(vit, f'blocks.{i}') for i in segment])
                for segment in segments(len(vit.blocks))
            ],
            Embedded(prefix.cpu(), position.cpu(), (*TOKENS, 'pos_embed'),
                     in_stream=True),
            Classifier(
                norm_name(vit), self._pooling(), head_names(vit),
                0 if vit.pool_include_prefix else vit.num_prefix_tokens,
                pooled_tokens(vit)))

    def _pooling(self) -> str:
        if self.vit.global_pool == 'token':
            return 'first tokens'
        return ('before the norm'
                if norm_name(self.vit) == 'fc_norm' else 'after the norm')

    def build(self, functions: Mapping[str, str],
              bits: Mapping[str, int]) -> IntVisionTransformer:
        return IntVisionTransformer(
            functions=functions, bits=bits,
            input=image_kind(self.vit.patch_embed),
            **asdict(vit_structure(self.vit)))

    def target(self, model: IntVisionTransformer) -> Target:
        body, parts = model.body, segments(len(self.vit.blocks))
        stages = [([body.blocks[i] for i in part], into)
                  for part, into in zip(parts, [None, *body.rescale])]
        return Target(body.patch_embed, body.prefix, body.position, stages,
                      head=body.head)


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


def norm_name(vit: VisionTransformer) -> str:
    """The last LayerNorm: before pooling or after it."""
    return 'norm' if isinstance(vit.fc_norm, nn.Identity) else 'fc_norm'


def head_names(vit: VisionTransformer) -> list[str]:
    """The classifiers."""
    return ['head', 'head_dist'] if hasattr(vit, 'head_dist') else ['head']


def embeddings(vit: VisionTransformer) -> tuple[Tensor, Tensor]:
    """What is put before the patches and what is added to them.

    Returns:
        tuple[Tensor, Tensor]: float64 [P, C], each token with its own
        position, and [N, C], zeros where there are no positions.
    """
    parts = [getattr(vit, name, None) for name in TOKENS]
    prefix = torch.cat([
        vit.patch_embed.proj.weight.new_zeros(0, vit.embed_dim),
        *(part[0] for part in parts if part is not None)
    ]).double()
    if vit.pos_embed is None:
        patches = prefix.new_zeros(vit.patch_embed.num_patches, vit.embed_dim)
        return prefix, patches
    position = vit.pos_embed[0].double()
    if vit.no_embed_class:
        return prefix, position
    return prefix + position[:len(prefix)], position[len(prefix):]


def pooled_tokens(vit: VisionTransformer) -> int:
    """How many tokens average pooling takes the mean of."""
    prefix = vit.num_prefix_tokens if vit.pool_include_prefix else 0
    return vit.patch_embed.num_patches + prefix


def check_vit(vit: VisionTransformer) -> None:
    """Refuse a ViT with parts that have no integer form.

    Raises:
        TypeError: Naming the part and what is supported.
    """
    embed = vit.patch_embed

    def has(condition: bool, what: str, supported: str) -> None:
        require(condition, vit, what, supported)

    has(type(vit) in (VisionTransformer, VisionTransformerDistilled),
        'a forward pass of its own', 'timm\'s ViT and DeiT')
    has(isinstance(getattr(embed, 'proj', None), nn.Conv2d)
        and isinstance(embed.norm, nn.Identity),
        f'{type(embed).__name__} as patch_embed',
        'one convolution without a norm')
    has(embed.patch_size[0] == embed.patch_size[1],
        f'patches of {embed.patch_size}', 'square patches')
    has(all(side % patch == 0 for side, patch in zip(
        embed.img_size, embed.patch_size)),
        f'images of {embed.img_size}', 'whole patches')
    has(not vit.dynamic_img_size, 'dynamic_img_size', 'one image size')
    has(isinstance(vit.norm_pre, nn.Identity), 'pre_norm', 'no pre_norm')
    has(vit.global_pool in ('token', 'avg'),
        f'{vit.global_pool or "no"} pooling', 'token and avg')
    has(isinstance(vit.norm, nn.Identity) != isinstance(
        vit.fc_norm, nn.Identity), 'two final norms or none',
        'one, before pooling or after it')
    check_norm(vit, norm_name(vit))
    for head in head_names(vit):
        has(isinstance(vit.get_submodule(head), nn.Linear),
            f'no classifier as {head}', 'a linear classifier')
    for i in range(len(vit.blocks)):
        check_block(vit, f'blocks.{i}')


@lowering_of.register(VisionTransformer)
@lowering_of.register(VisionTransformerDistilled)
def lowering_of_vit(vit: VisionTransformer,
                    bits: Mapping[str, int] = DEFAULT_BITS
                    ) -> TransformerLowering:
    """timm's ViT or DeiT -> IntVisionTransformer."""
    return TransformerLowering(VitReader(vit), bits)
