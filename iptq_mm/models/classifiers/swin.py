"""Swin Transformer with a classifier, of the same blocks as the backbone."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmengine.model import BaseModule
from torch import Tensor, nn

from ...nn import (
    Dequantize,
    IntAveragePool,
    IntLayerNorm,
    IntMergedLayerNorm,
    IntPatchEmbed,
    IntPatchMerging,
    IntWideLinear,
    IntWindowAttention,
    image_entrance,
)
from ...registry import MODELS
from ..block import IntBlock
from ..detectors.swin_backbone import DEFAULT_BITS
from ..functions import ChosenFunctions
from .head import IntAverageHead
from .vit import check_image


class IntSwinLayer(nn.Module):
    """Merging, then the blocks of one resolution; int16 -> int16.

    A stage as timm draws the line; the paper and mmdet have the merging at
    the end of the stage before.

    Args:
        downsample (nn.Module): ``IntPatchMerging``; ``Identity`` in the
            first.
        blocks (Sequence[IntBlock]): Plain and shifted in turn.
    """

    def __init__(self, downsample: nn.Module, blocks: Sequence[IntBlock]):
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.downsample(x))


class IntSwinNet(nn.Module):
    """The integer region: quantized image in, quantized logits out.

    int8 [B, in_chans, H, W] -> int16 [B, classes].

    Args:
        patch_embed (IntPatchEmbed): Image to stream.
        layers (Sequence[IntSwinLayer]): Fine to coarse.
        head (IntAverageHead): Stream to logits.
    """

    integer_region = True

    def __init__(self, patch_embed: IntPatchEmbed,
                 layers: Sequence[IntSwinLayer], head: IntAverageHead):
        super().__init__()
        self.patch_embed = patch_embed
        self.layers = nn.Sequential(*layers)
        self.head = head

    def forward(self, image: Tensor) -> Tensor:
        tokens = self.layers(self.patch_embed(image))
        return self.head(tokens.flatten(1, 2))


@dataclass(frozen=True)
class SwinStructure:
    """What a Swin with a classifier is made of; sequences have one entry a
    stage.

    Args:
        img_size (tuple[int, int]): Height and width of the image, fixed.
        patch_size (int): Patch side.
        in_chans (int): Channels of the image.
        num_classes (int): Number of classes.
        embed_dims (Sequence[int]): Channels.
        depths (Sequence[int]): Number of blocks.
        num_heads (Sequence[int]): Number of heads.
        hidden (Sequence[int]): Channels inside the MLP.
        windows (Sequence[int]): Window side.
        shifts (Sequence[int]): Shift of every second block, 0 where a window
            covers the whole map.
    """
    img_size: tuple[int, int]
    patch_size: int
    in_chans: int
    num_classes: int
    embed_dims: Sequence[int]
    depths: Sequence[int]
    num_heads: Sequence[int]
    hidden: Sequence[int]
    windows: Sequence[int]
    shifts: Sequence[int]


@MODELS.register_module()
class IntSwinClassifier(BaseModule):
    """Integer-only Swin with a classifier, for timm's ``SwinTransformer``.

    Between ``quantize`` and ``dequantize`` lies ``body``, which knows integers
    only. The module is empty when built: lowering a float network
    (``iptq_mm.lowering.readers.timm_swin``) or an integer checkpoint fills it.

    Args:
        functions (dict[str, str], optional): Candidate of each non-linear
            layer by timm's module name, or of a whole kind.
        bits (dict[str, int], optional): Widths, see ``IntSwinTransformer``.
        input (str): What an image is: ``'normalized'``, as timm's network
            takes it, or ``'uint8'``, the pixels themselves. Defaults to
            ``'normalized'``.
        **structure: See :class:`SwinStructure`.
    """

    def __init__(self,
                 functions: Mapping[str, str] | None = None,
                 bits: Mapping[str, int] | None = None,
                 input: str = 'normalized',
                 **structure):
        super().__init__()
        self.structure = swin = SwinStructure(**structure)
        bits = {**DEFAULT_BITS, **(bits or {})}
        activation, chosen = bits['activation'], ChosenFunctions(functions)
        dims = swin.embed_dims

        def norm(layer: str, channels: int, width: int) -> IntLayerNorm:
            return IntLayerNorm(channels, width, chosen(layer, 'layernorm'))

        def block(stage: int, index: int) -> IntBlock:
            names = chosen.block(f'layers.{stage}.blocks.{index}')
            attention = IntWindowAttention(
                dims[stage], swin.num_heads[stage], swin.windows[stage],
                swin.shifts[stage] if index % 2 else 0, activation,
                names['softmax'])
            return IntBlock(dims[stage], attention, swin.hidden[stage],
                            activation, names)

        def merging(stage: int) -> nn.Module:
            if stage == 0:
                return nn.Identity()
            channels = dims[stage - 1]
            name = chosen(f'layers.{stage}.downsample.norm', 'layernorm')
            return IntPatchMerging(
                channels, dims[stage],
                IntMergedLayerNorm(4 * channels, activation, name, 2))

        self.quantize = image_entrance(input, swin.in_chans, swin.patch_size)
        self.body = IntSwinNet(
            IntPatchEmbed(swin.in_chans, dims[0], swin.patch_size,
                          norm('patch_embed.norm', dims[0], 16)),
            [
                IntSwinLayer(merging(i), [block(i, j) for j in range(depth)])
                for i, depth in enumerate(swin.depths)
            ],
            IntAverageHead(
                0, norm('norm', dims[-1], 16), IntAveragePool(), nn.Identity(),
                IntWideLinear(dims[-1], swin.num_classes)))
        self.dequantize = Dequantize()

    def forward(self, x: Tensor) -> Tensor:
        """float32 or uint8 [B, in_chans, H, W] -> float32 [B, classes].

        Raises:
            ValueError: If the image is not of the model's size.
        """
        check_image(x, self.structure.img_size)
        return self.dequantize(self.body(self.quantize(x)))
