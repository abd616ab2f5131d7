"""mmdet's float SwinTransformer -> IntSwinTransformer."""
from collections.abc import Mapping

import torch
from mmdet.models.backbones.swin import SwinTransformer
from torch import Tensor, nn

from ..assignment import Layer
from ..calibration import Site
from ..functions.base import Candidate
from ..models import IntSwinTransformer
from ..models.swin import IntSwinBlock
from ..models.swin_backbone import DEFAULT_BITS
from ..nn import IntLayerNorm, IntPatchMerging, IntWindowAttention
from .linear import lower_linear
from .lowering import lowering_of
from .rounding import Roundings, nearest_everywhere
from .scale import dyadic_tensors, fill
from .swin_scales import SwinScales
from .swin_sites import (block_names, check_layers, nonlinear_layers,
                         swin_sites)

MASK = 100.0
"""What mmdet subtracts from the score of two tokens of different regions."""


class _Filling:
    """The float backbone, its scales, candidates and roundings, at hand for
    each part of the integer one."""

    def __init__(self, swin: SwinTransformer, scales: SwinScales,
                 functions: Mapping[str, Candidate], roundings: Roundings):
        self.swin, self.scales = swin, scales
        self.functions, self.roundings = functions, roundings

    def linear(self, target: nn.Module, layer: str, in_scale: float,
               out_scale: Tensor | float, columns: Tensor | None = None):
        """``columns`` reorders the inputs, where the layouts differ."""
        source = self.swin.get_submodule(layer)
        lower_linear(target, source.weight.flatten(1), source.bias, in_scale,
                     out_scale, self.scales.bits['weight'],
                     self.roundings(layer), columns)

    def norm(self, target: IntLayerNorm, layer: str,
             columns: Tensor | None = None) -> None:
        source = self.swin.get_submodule(layer)
        in_scale, out_scale, _ = self.scales.norm(layer)
        params = self.functions[layer].lower(
            in_scale, out_scale, source.weight.detach().double().cpu(),
            source.bias.detach().double().cpu(), source.eps)
        fill(target.params, params if columns is None else params[:, columns])

    def patch_embed(self, model: IntSwinTransformer) -> None:
        source, target = self.swin.patch_embed, model.body.patch_embed
        image, tokens = self.scales.image(), self.scales.stream(0)
        if source.norm is not None:
            tokens = self.scales.norm('patch_embed.norm')[0]
            self.norm(target.norm, 'patch_embed.norm')
        in_channels, side = source.projection.weight.shape[1:3]
        # A convolution orders (channel, row, column), cut_patches (row,
        # column, channel).
        columns = torch.arange(in_channels * side**2).view(
            in_channels, -1).T.reshape(-1)
        self.linear(target.projection, 'patch_embed.projection', image,
                    tokens, columns)
        set_scale(model.quantize.scale, image)
        if self.swin.use_abs_pos_embed:
            position = self.swin.absolute_pos_embed.detach().double().cpu()
            fill(model.body.position.embedding,
                 (position[0] / self.scales.stream(0)).round())

    def block(self, target: IntSwinBlock, name: str, stream: float) -> None:
        gelu = f'{name}.ffn.layers.0.1'
        gelu_in, gelu_out = self.scales.gelu(gelu)
        self.norm(target.norm1, f'{name}.norm1')
        self.attention(target.attn, f'{name}.attn.w_msa',
                       self.scales.norm(f'{name}.norm1')[1], stream)
        self.norm(target.norm2, f'{name}.norm2')
        self.linear(target.mlp.fc1, f'{name}.ffn.layers.0.0',
                    self.scales.norm(f'{name}.norm2')[1], gelu_in)
        fill(target.mlp.fc1.params,
             self.functions[gelu].lower(gelu_in, gelu_out))
        self.linear(target.mlp.fc2, f'{name}.ffn.layers.1', gelu_out, stream)

    def attention(self, target: IntWindowAttention, name: str,
                  in_scale: float, stream: float) -> None:
        msa = self.swin.get_submodule(name)
        q, k, v = (self.scales.activation(f'{name}.qkv:output:{part}')
                   for part in 'qkv')
        self.linear(target.qkv, f'{name}.qkv', in_scale,
                    torch.tensor([q, k, v]).double().repeat_interleave(
                        msa.embed_dims))
        scores, softmax = self.scales.scores(name), self.functions[
            f'{name}.softmax']
        table = msa.relative_position_bias_table.detach().double().cpu()
        context = self.scales.activation(f'{name}.proj:input')
        fill(target.bias_table, (table / scores).round())
        fill(target.mask, torch.tensor([-round(MASK / scores)]))
        width = self.scales.bits['attention']
        fill(target.params, softmax.lower(scores, width))
        fill(target.score,
             torch.cat(dyadic_tensors(q * k * msa.scale / scores)))
        fill(target.output,
             torch.cat(
                 dyadic_tensors(softmax.out_scale(width) * v / context)))
        self.linear(target.proj, f'{name}.proj', context, stream)

    def merging(self, target: IntPatchMerging, stage: int) -> None:
        name = f'stages.{stage}.downsample'
        source = self.swin.get_submodule(name)
        inside = self.scales.activation(f'{name}.reduction:input')
        # nn.Unfold orders (channel, row, column), cut_patches the reverse.
        features = source.reduction.in_features
        columns = torch.arange(features).view(-1, 4).T.reshape(-1)
        if source.norm is None:
            m, n = dyadic_tensors(self.scales.stream(stage) / inside)
            fill(target.norm.m, m)
            fill(target.norm.n, n)
        else:
            self.norm(target.norm, f'{name}.norm', columns)
        self.linear(target.reduction, f'{name}.reduction', inside,
                    self.scales.stream(stage + 1), columns)


def set_scale(target: nn.Module, scale: float) -> None:
    """Store the scale of a border as its dyadic integers."""
    m, n = dyadic_tensors(scale)
    fill(target.m, m[0])
    fill(target.n, n[0])


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

    def layers(self, thresholds: Mapping[str, float]) -> dict[str, Layer]:
        return SwinScales(self.swin, thresholds, self.bits).layers()

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
        fill_in = _Filling(self.swin, scales, functions, roundings)
        fill_in.patch_embed(model)
        for i, stage in enumerate(model.body.stages):
            for block, name in zip(stage.blocks, block_names(self.swin, i)):
                fill_in.block(block, name, scales.stream(i))
            if stage.downsample is not None:
                fill_in.merging(stage.downsample, i)
        for i, dequantize in zip(self.swin.out_indices, model.dequantize):
            fill_in.norm(model.body.norms[str(i)], f'norm{i}')
            set_scale(dequantize.scale, scales.norm(f'norm{i}')[1])
        return model.eval()
