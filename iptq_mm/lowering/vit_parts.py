"""Where calibration looks at timm's VisionTransformer, and what it is made of.
"""
from collections.abc import Mapping

import torch
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from ..calibration import Site
from .block import BlockNames, block_layers, block_readers, block_sites
from .timm_block import (
    check_block,
    check_norm,
    classifier_sites,
    require,
    timm_names,
)


def norm_name(vit: VisionTransformer) -> str:
    """The last LayerNorm: before pooling or after it."""
    return 'norm' if isinstance(vit.fc_norm, nn.Identity) else 'fc_norm'


def head_names(vit: VisionTransformer) -> list[str]:
    """The classifiers."""
    return ['head', 'head_dist'] if hasattr(vit, 'head_dist') else ['head']


def block_names(vit: VisionTransformer) -> list[BlockNames]:
    """Module names inside the blocks."""
    return [timm_names(vit, f'blocks.{i}') for i in range(len(vit.blocks))]


def embeddings(vit: VisionTransformer) -> tuple[Tensor, Tensor]:
    """What is put before the patches and what is added to them.

    Returns:
        tuple[Tensor, Tensor]: float64 [P, C], each token with its own
        position, and [N, C], zeros where there are no positions.
    """
    names = ('cls_token', 'dist_token', 'reg_token')
    parts = [getattr(vit, name, None) for name in names]
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
    for names in block_names(vit):
        check_block(vit, names.block)


def nonlinear_layers(vit: VisionTransformer) -> dict[str, str]:
    """Kind of every non-linear layer by its module name, in the order of the
    forward pass."""
    layers = {}
    for names in block_names(vit):
        layers |= block_layers(names)
    return {**layers, norm_name(vit): 'layernorm'}


def readers(vit: VisionTransformer) -> dict[str, str]:
    """The linear layer that alone reads the output of a LayerNorm, by the
    LayerNorm's name; pooling leaves channels apart. Two classifiers read
    DeiT's last one."""
    heads = head_names(vit)
    last = {norm_name(vit): heads[0]} if len(heads) == 1 else {}
    return {**block_readers(block_names(vit)), **last}


def vit_sites(vit: VisionTransformer,
              bits: Mapping[str, int]) -> dict[str, Site]:
    """Where calibration observes the float network.

    Args:
        vit (VisionTransformer): The float network.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Returns:
        dict[str, Site]: By site name.
    """
    sites = {'patch_embed:input': Site('patch_embed', 'input', 8)}

    def watch(module: str, port: str, width: int) -> None:
        sites[f'{module}:{port}'] = Site(module, port, width)

    watch('patch_embed', 'output', bits['residual'])
    for names in block_names(vit):
        sites |= block_sites(names, bits)
    if vit.global_pool == 'avg':
        # What is summed up, or what comes of it.
        port = 'input' if norm_name(vit) == 'fc_norm' else 'output'
        watch(norm_name(vit), port, bits['residual'])
    for head in head_names(vit):
        sites |= classifier_sites(head, bits)
    return sites
