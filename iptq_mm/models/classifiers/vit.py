"""Vision Transformer on integers (Dosovitskiy et al., arXiv:2010.11929).

The residual stream is int16 [B, N, C]. It grows along the network, so it has a
scale for every few blocks; between two changes residual additions are exact.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mmengine.model import BaseModule
from torch import Tensor, nn

from ...nn import (
    Dequantize,
    IntAttention,
    IntAveragePool,
    IntLayerNorm,
    IntPatchEmbed,
    IntPositionEmbedding,
    IntPrefixTokens,
    IntRequantize,
    IntWideLinear,
    image_entrance,
)
from ...registry import MODELS
from ..block import IntBlock
from ..detectors.swin_backbone import DEFAULT_BITS
from ..functions import ChosenFunctions
from .head import IntAverageHead, IntTokenHead

SEGMENT = 3
"""So many blocks have one scale of the stream."""


def segments(depth: int) -> list[range]:
    """The blocks that have one scale each, by their numbers.

    Args:
        depth (int): Number of blocks.
    """
    return [
        range(start, min(start + SEGMENT, depth))
        for start in range(0, depth, SEGMENT)
    ]


class IntVit(nn.Module):
    """The integer region: quantized image in, quantized logits out.

    int8 [B, in_chans, H, W] -> int16 [B, classes].

    Args:
        patch_embed (IntPatchEmbed): Image to stream.
        position (nn.Module): What is added to the patches, or ``Identity``.
        prefix (IntPrefixTokens): Tokens before the patches, maybe none.
        blocks (Sequence[IntBlock]): In their order.
        head (nn.Module): Stream to logits.
    """

    integer_region = True

    def __init__(self, patch_embed: IntPatchEmbed, position: nn.Module,
                 prefix: IntPrefixTokens, blocks: Sequence[IntBlock],
                 head: nn.Module):
        super().__init__()
        self.patch_embed = patch_embed
        self.position = position
        self.prefix = prefix
        self.blocks = nn.ModuleList(blocks)
        # Into every segment but the first.
        self.rescale = nn.ModuleList(
            IntRequantize(16) for _ in segments(len(blocks))[1:])
        self.head = head

    def forward(self, image: Tensor) -> Tensor:
        patches = self.position(self.patch_embed(image)).flatten(1, 2)
        x = self.prefix(patches)
        for i, segment in enumerate(segments(len(self.blocks))):
            x = self.rescale[i - 1](x) if i else x
            for block in segment:
                x = self.blocks[block](x)
        return self.head(x)


def check_image(image: Tensor, size: tuple[int, int]) -> None:
    """Refuse an image of another size than the model's.

    Raises:
        ValueError: Naming both sizes.
    """
    if tuple(image.shape[-2:]) != tuple(size):
        raise ValueError(
            f'the image is {tuple(image.shape[-2:])} pixels, the model is for '
            f'{tuple(size)}: build the float network with the img_size that '
            f'you need and quantize it again')


@dataclass(frozen=True)
class VitStructure:
    """What a ViT is made of.

    Args:
        img_size (tuple[int, int]): Height and width of the image, fixed.
        patch_size (int): Patch side.
        in_chans (int): Channels of the image.
        num_classes (int): Number of classes.
        embed_dim (int): Channels C.
        depth (int): Number of blocks.
        num_heads (int): Number of heads.
        hidden (int): Channels inside the MLP.
        prefix_tokens (int): Tokens before the patches.
        pos_embed (bool): Whether patches have a position embedding.
        global_pool (str): ``token`` or ``avg``.
        distilled (bool): Whether the second token has a classifier of its
            own.
        pool_include_prefix (bool): Whether the mean includes the tokens
            before the patches.
        fc_norm (bool): LayerNorm after pooling instead of before.
    """
    img_size: tuple[int, int]
    patch_size: int
    in_chans: int
    num_classes: int
    embed_dim: int
    depth: int
    num_heads: int
    hidden: int
    prefix_tokens: int
    pos_embed: bool
    global_pool: str
    distilled: bool
    pool_include_prefix: bool
    fc_norm: bool


@MODELS.register_module()
class IntVisionTransformer(BaseModule):
    """Integer-only ViT or DeiT, for timm's ``VisionTransformer``.

    Between ``quantize`` and ``dequantize`` lies ``body``, which knows integers
    only. The module is empty when built: lowering a float network
    (``iptq_mm.lowering.readers.timm_vit``) or an integer checkpoint fills it.

    Args:
        functions (dict[str, str], optional): Candidate of each non-linear
            layer by timm's module name, e.g. ``{'blocks.0.mlp.act':
            'poly_gelu'}`` (the Softmax of a block is ``attn.softmax``), or of
            a whole kind.
        bits (dict[str, int], optional): Widths, see ``IntSwinTransformer``.
        input (str): What an image is: ``'normalized'``, as timm's network
            takes it, or ``'uint8'``, the pixels themselves. Defaults to
            ``'normalized'``.
        **structure: See :class:`VitStructure`.
    """

    def __init__(self,
                 functions: Mapping[str, str] | None = None,
                 bits: Mapping[str, int] | None = None,
                 input: str = 'normalized',
                 **structure):
        super().__init__()
        self.structure = vit = VitStructure(**structure)
        bits = {**DEFAULT_BITS, **(bits or {})}
        activation, chosen = bits['activation'], ChosenFunctions(functions)

        def norm(layer: str, width: int) -> IntLayerNorm:
            return IntLayerNorm(vit.embed_dim, width,
                                chosen(layer, 'layernorm'))

        def block(names: Mapping[str, str]) -> IntBlock:
            attention = IntAttention(vit.embed_dim, vit.num_heads, activation,
                                     names['softmax'])
            return IntBlock(vit.embed_dim, attention, vit.hidden, activation,
                            names)

        self.quantize = image_entrance(input, vit.in_chans, vit.patch_size)
        self.body = IntVit(
            IntPatchEmbed(vit.in_chans, vit.embed_dim, vit.patch_size,
                          nn.Identity()),
            IntPositionEmbedding(
                math.prod(side // vit.patch_size for side in vit.img_size),
                vit.embed_dim) if vit.pos_embed else nn.Identity(),
            IntPrefixTokens(vit.prefix_tokens, vit.embed_dim),
            [block(chosen.block(f'blocks.{i}')) for i in range(vit.depth)],
            self._head(norm))
        self.dequantize = Dequantize()

    def _head(self, norm: Callable[[str, int], IntLayerNorm]) -> nn.Module:
        vit = self.structure
        last = 'fc_norm' if vit.fc_norm else 'norm'
        heads = [
            IntWideLinear(vit.embed_dim, vit.num_classes)
            for _ in range(2 if vit.distilled else 1)
        ]
        if vit.global_pool == 'token':
            return IntTokenHead(norm(last, 16), heads)
        skip = 0 if vit.pool_include_prefix else vit.prefix_tokens
        if vit.fc_norm:
            return IntAverageHead(skip, nn.Identity(), IntAveragePool(),
                                  norm(last, 16), *heads)
        return IntAverageHead(skip, norm(last, 16), IntAveragePool(),
                              nn.Identity(), *heads)

    def forward(self, x: Tensor) -> Tensor:
        """float32 or uint8 [B, in_chans, H, W] -> float32 [B, classes].

        Raises:
            ValueError: If the image is not of the model's size.
        """
        check_image(x, self.structure.img_size)
        return self.dequantize(self.body(self.quantize(x)))
