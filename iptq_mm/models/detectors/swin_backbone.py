"""The integer Swin backbone that an mmdet config names."""
from __future__ import annotations

from collections.abc import Mapping

from mmengine.model import BaseModule
from mmengine.utils import to_2tuple
from torch import Tensor, nn

from ...nn import (
    DequantizeMaps,
    IntLayerNorm,
    IntMergedLayerNorm,
    IntMergedRequantize,
    IntPatchEmbed,
    IntPatchMerging,
    IntPositionEmbedding,
    IntWindowAttention,
    image_entrance,
)
from ...registry import MODELS
from ..block import IntBlock
from ..swin import IntSwin, IntSwinStage

DEFAULT_FUNCTIONS = dict(
    gelu='poly_gelu', softmax='bit_softmax', layernorm='i_layernorm')
"""Candidate of each kind where ``functions`` names no layer's own."""

DEFAULT_BITS = dict(
    weight=8, activation=8, attention=8, residual=16, output=16)


@MODELS.register_module()
class IntSwinTransformer(BaseModule):
    """Integer-only Swin backbone, a drop-in for mmdet's ``SwinTransformer``.

    Between ``quantize`` and ``dequantize`` lies ``body``, which knows integers
    only. The module is empty when built: lowering a float backbone
    (``lowering/readers/mmdet_swin.py``) or an integer checkpoint fills it.

    The arguments are those of mmdet's ``SwinTransformer``, so that a config
    changes ``type`` alone; the last group there only concerns training and is
    accepted without effect.

    Args:
        pretrain_img_size (int | tuple[int]): Image size for which an absolute
            position embedding was trained. Defaults to 224.
        in_channels (int): Channels of the image. Defaults to 3.
        embed_dims (int): Channels C of the first stage. Defaults to 96.
        patch_size (int): Patch side; equal to ``strides[0]``. Defaults to 4.
        window_size (int): Window side in tokens. Defaults to 7.
        mlp_ratio (int): Hidden channels of the MLP over C. Defaults to 4.
        depths (tuple[int]): Blocks of each stage.
        num_heads (tuple[int]): Heads of each stage.
        strides (tuple[int]): Stride of the patches and of each merging.
        out_indices (tuple[int]): Stages that give an output.
        patch_norm (bool): LayerNorm after patch embedding and in merging.
        use_abs_pos_embed (bool): Add an absolute position embedding.
        functions (dict[str, str], optional): Candidate of each non-linear
            layer by the float model's module name, e.g.
            ``{'stages.0.blocks.0.ffn.layers.0.1': 'poly_gelu'}``, or of a
            whole kind (``gelu``, ``softmax``, ``layernorm``).
        bits (dict[str, int], optional): Widths; keys ``weight``,
            ``activation``, ``attention`` (probabilities), ``residual``,
            ``output``. Defaults to 8, 8, 8, 16, 16.
        input (str): What an image is: ``'normalized'``, as mmdet's Swin takes
            it, or ``'uint8'``, the pixels themselves. Defaults to
            ``'normalized'``.

    Raises:
        ValueError: If ``input`` is neither.
        AssertionError, TypeError: As mmdet's, for an argument of the wrong
            form; e.g. if ``patch_size`` is not ``strides[0]``.
    """

    def __init__(self,
                 pretrain_img_size=224,
                 in_channels=3,
                 embed_dims=96,
                 patch_size=4,
                 window_size=7,
                 mlp_ratio=4,
                 depths=(2, 2, 6, 2),
                 num_heads=(3, 6, 12, 24),
                 strides=(4, 2, 2, 2),
                 out_indices=(0, 1, 2, 3),
                 patch_norm=True,
                 use_abs_pos_embed=False,
                 functions: Mapping[str, str] | None = None,
                 bits: Mapping[str, int] | None = None,
                 input='normalized',
                 qkv_bias=True,
                 qk_scale=None,
                 drop_rate=0.,
                 attn_drop_rate=0.,
                 drop_path_rate=0.1,
                 act_cfg=None,
                 norm_cfg=None,
                 with_cp=False,
                 pretrained=None,
                 convert_weights=False,
                 frozen_stages=-1,
                 init_cfg=None):
        super().__init__(init_cfg=init_cfg)
        if not isinstance(pretrained, (str, type(None))):
            raise TypeError('pretrained must be a str or None')
        assert strides[0] == patch_size, 'Use non-overlapping patch embed.'
        image_size = to_2tuple(pretrain_img_size)
        assert len(image_size) == 2, (
            f'The size of image should have length 1 or 2, but got '
            f'{len(image_size)}')
        functions = {**DEFAULT_FUNCTIONS, **(functions or {})}
        bits = {**DEFAULT_BITS, **(bits or {})}
        activation = bits['activation']

        def candidate(layer: str) -> str:
            return functions.get(layer, functions['layernorm'])

        def norm(layer: str, channels: int, width: int) -> IntLayerNorm:
            return IntLayerNorm(channels, width, candidate(layer))

        def block(layer: str, channels: int, heads: int,
                  shift: int) -> IntBlock:
            names = dict(
                norm1=('norm1', 'layernorm'),
                softmax=('attn.w_msa.softmax', 'softmax'),
                norm2=('norm2', 'layernorm'),
                gelu=('ffn.layers.0.1', 'gelu'))
            chosen = {
                role: functions.get(f'{layer}.{module}', functions[kind])
                for role, (module, kind) in names.items()
            }
            return IntBlock(
                channels,
                IntWindowAttention(channels, heads, window_size, shift,
                                   activation, chosen['softmax']),
                mlp_ratio * channels, activation, chosen)

        stages = []
        for i, depth in enumerate(depths):
            channels = embed_dims * 2**i
            blocks = [
                block(f'stages.{i}.blocks.{j}', channels, num_heads[i],
                      window_size // 2 if j % 2 else 0) for j in range(depth)
            ]
            merging = None
            if i < len(depths) - 1:
                merging = IntPatchMerging(
                    channels, 2 * channels,
                    IntMergedLayerNorm(
                        4 * channels, activation,
                        candidate(f'stages.{i}.downsample.norm'),
                        strides[i + 1]) if patch_norm else
                    IntMergedRequantize(activation, strides[i + 1]))
            stages.append(IntSwinStage(blocks, merging))

        position = nn.Identity()
        if use_abs_pos_embed:
            position = IntPositionEmbedding(
                (image_size[0] // patch_size) * (image_size[1] // patch_size),
                embed_dims)
        self.quantize = image_entrance(input, in_channels, patch_size)
        self.body = IntSwin(
            IntPatchEmbed(
                in_channels, embed_dims, patch_size,
                norm('patch_embed.norm', embed_dims, 16)
                if patch_norm else nn.Identity()), position, stages, {
                    i: norm(f'norm{i}', embed_dims * 2**i, bits['output'])
                    for i in out_indices
                })
        self.dequantize = nn.ModuleList(
            DequantizeMaps() for _ in out_indices)

    def forward(self, x: Tensor) -> list[Tensor]:
        """float32 or uint8 [B, in_channels, H, W] -> for each output index i,
        float32 [B, C 2^i, H_i, W_i]."""
        outputs = self.body(self.quantize(x))
        return [
            dequantize(q)
            for dequantize, q in zip(self.dequantize, outputs)
        ]
