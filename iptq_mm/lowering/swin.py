"""mmdet's float SwinTransformer -> IntSwinTransformer.

Three views of one model, which must agree and therefore stand together: where
calibration looks (:func:`swin_sites`), which layers are non-linear
(:func:`nonlinear_layers`), and how each part becomes integers
(:func:`lower_swin`).
"""
from collections.abc import Mapping
from functools import partial

import torch
from mmdet.models.backbones.swin import SwinTransformer
from torch import Tensor, nn

from ..calibration import Site, unmasked_scores
from ..models import IntSwinTransformer
from ..models.swin import IntSwinBlock
from ..models.swin_backbone import DEFAULT_BITS
from ..nn import IntLayerNorm, IntPatchMerging, IntWindowAttention
from .linear import lower_linear
from .scale import dyadic_tensors, fill, scale_of

MASK = 100.0
"""What mmdet subtracts from the score of two tokens of different regions."""

MIN_FUNCTION_SCALE = 2.0**-12
"""Finest input scale for which the candidates state their error bounds."""


def check_swin(swin: nn.Module) -> None:
    """Refuse what is no Swin, or one with parts that have no integer form.

    Raises:
        TypeError: Naming the module and what is supported.
    """
    if not isinstance(swin, SwinTransformer):
        raise TypeError(f'the backbone is a {type(swin).__name__}; only '
                        f'mmdet\'s SwinTransformer can be quantized')
    kinds = dict(gelu=nn.GELU, softmax=nn.Softmax, layernorm=nn.LayerNorm)
    for name, kind in nonlinear_layers(swin).items():
        layer = swin.get_submodule(name)
        if not isinstance(layer, kinds[kind]) or getattr(
                layer, 'approximate', 'none') != 'none':
            raise TypeError(f'backbone.{name} is {layer}; only '
                            f'{kinds[kind].__name__} has an integer form here')


def _blocks(swin: SwinTransformer):
    for i, stage in enumerate(swin.stages):
        for j, block in enumerate(stage.blocks):
            yield f'stages.{i}.blocks.{j}', block


def nonlinear_layers(swin: SwinTransformer) -> dict[str, str]:
    """Kind of every non-linear layer by its module name.

    Args:
        swin (SwinTransformer): The float backbone.

    Returns:
        dict[str, str]: E.g. ``{'stages.0.blocks.0.norm1': 'layernorm', ...}``
        in the order of the forward pass; kinds are ``gelu``, ``softmax`` and
        ``layernorm``.
    """
    layers = {}
    if swin.patch_embed.norm is not None:
        layers['patch_embed.norm'] = 'layernorm'
    for i, stage in enumerate(swin.stages):
        for j in range(len(stage.blocks)):
            block = f'stages.{i}.blocks.{j}'
            layers[f'{block}.norm1'] = 'layernorm'
            layers[f'{block}.attn.w_msa.softmax'] = 'softmax'
            layers[f'{block}.norm2'] = 'layernorm'
            layers[f'{block}.ffn.layers.0.1'] = 'gelu'
        if stage.downsample is not None and stage.downsample.norm is not None:
            layers[f'stages.{i}.downsample.norm'] = 'layernorm'
        if i in swin.out_indices:
            layers[f'norm{i}'] = 'layernorm'
    return layers


def _third(part: int, qkv: Tensor) -> Tensor:
    """q (0), k (1) or v (2) of [..., 3 C]."""
    return qkv.chunk(3, -1)[part]


def swin_sites(swin: SwinTransformer,
               bits: Mapping[str, int] = DEFAULT_BITS) -> dict[str, Site]:
    """Where calibration observes the float backbone.

    Args:
        swin (SwinTransformer): The float backbone.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Returns:
        dict[str, Site]: By site name, ``MODULE:PORT`` and, for a part of a
        tensor, ``MODULE:PORT:PART``.
    """
    activation, residual = bits['activation'], bits['residual']
    sites = {'patch_embed:input': Site('patch_embed', 'input', 8)}

    def watch(module: str, port: str, width: int, part='', select=None):
        name = f'{module}:{port}' + (part and f':{part}')
        sites[name] = Site(module, port, width, select)

    watch('patch_embed.projection', 'output', residual)
    watch('patch_embed', 'output', residual)
    for name, _ in _blocks(swin):
        watch(f'{name}.norm1', 'input', residual)
        watch(f'{name}.norm1', 'output', activation)
        for i, part in enumerate('qkv'):
            watch(f'{name}.attn.w_msa.qkv', 'output', activation, part,
                  partial(_third, i))
        watch(f'{name}.attn.w_msa.softmax', 'input', 16,
              select=unmasked_scores)
        watch(f'{name}.attn.w_msa.proj', 'input', activation)
        watch(f'{name}.attn.w_msa.proj', 'output', residual)
        watch(f'{name}.norm2', 'input', residual)
        watch(f'{name}.norm2', 'output', activation)
        watch(f'{name}.ffn.layers.0.0', 'output', activation)
        watch(f'{name}.ffn.layers.0.1', 'output', activation)
        watch(f'{name}.ffn.layers.1', 'output', residual)
        watch(name, 'output', residual)
    for i, stage in enumerate(swin.stages):
        if stage.downsample is not None:
            watch(f'stages.{i}.downsample.reduction', 'input', activation)
    for i in swin.out_indices:
        watch(f'norm{i}', 'output', bits['output'])
    return sites


class _SwinLowering:
    """Scales and candidates of one backbone, at hand for each part."""

    def __init__(self, swin: SwinTransformer, thresholds: Mapping[str, float],
                 functions: Mapping[str, object], bits: Mapping[str, int]):
        self.swin, self.functions, self.bits = swin, functions, bits
        self.thresholds = thresholds

    def scale(self, site: str, bits: int | None = None) -> float:
        """Scale of a site of activations (or of a given width)."""
        return scale_of(self.thresholds[site],
                        bits or self.bits['activation'])

    def stream_scale(self, stage: int) -> float:
        """One scale for the residual stream of a whole stage, and for the
        branches that are added to it."""
        sites = ['patch_embed:output'] if stage == 0 else []
        for j in range(len(self.swin.stages[stage].blocks)):
            block = f'stages.{stage}.blocks.{j}'
            sites += [f'{block}.norm1:input', f'{block}.attn.w_msa.proj:output',
                      f'{block}.norm2:input', f'{block}.ffn.layers.1:output',
                      f'{block}:output']
        return scale_of(max(self.thresholds[site] for site in sites),
                        self.bits['residual'])

    def linear(self, target: nn.Module, source: nn.Module, in_scale: float,
               out_scale: Tensor | float, columns: Tensor | None = None):
        """``columns`` reorders the inputs, where the layouts differ."""
        weight = source.weight.flatten(1)
        lower_linear(target, weight if columns is None else weight[:, columns],
                     source.bias, in_scale, out_scale, self.bits['weight'])

    def norm(self, target: IntLayerNorm, name: str, in_scale: float,
             out_scale: float, columns: Tensor | None = None) -> None:
        source = self.swin.get_submodule(name)
        params = self.functions[name].lower(
            in_scale, out_scale, source.weight.detach().double().cpu(),
            source.bias.detach().double().cpu(), source.eps)
        fill(target.params, params if columns is None else params[:, columns])

    def attention(self, target: IntWindowAttention, name: str,
                  in_scale: float, stream: float) -> None:
        msa = self.swin.get_submodule(name)
        q, k, v = (self.scale(f'{name}.qkv:output:{p}') for p in 'qkv')
        self.linear(target.qkv, msa.qkv, in_scale,
                    torch.tensor([q, k, v]).double().repeat_interleave(
                        msa.embed_dims))
        # Scores before and after the bias must fit the same int16.
        table = msa.relative_position_bias_table.detach().double().cpu()
        reach = (self.thresholds[f'{name}.softmax:input'] +
                 table.abs().max().item())
        scores = max(scale_of(reach, 16), MIN_FUNCTION_SCALE)
        softmax = self.functions[f'{name}.softmax']
        context = self.scale(f'{name}.proj:input')
        fill(target.bias_table, (table / scores).round())
        fill(target.mask, torch.tensor([-round(MASK / scores)]))
        fill(target.params, softmax.lower(scores))
        fill(target.score,
             torch.cat(dyadic_tensors(q * k * msa.scale / scores)))
        fill(target.output,
             torch.cat(dyadic_tensors(softmax.out_scale * v / context)))
        self.linear(target.proj, msa.proj, context, stream)

    def block(self, target: IntSwinBlock, name: str, stream: float) -> None:
        ffn = self.swin.get_submodule(f'{name}.ffn')
        attn_in = self.scale(f'{name}.norm1:output')
        mlp_in = self.scale(f'{name}.norm2:output')
        gelu_in = max(
            self.scale(f'{name}.ffn.layers.0.0:output'), MIN_FUNCTION_SCALE)
        gelu_out = self.scale(f'{name}.ffn.layers.0.1:output')
        self.norm(target.norm1, f'{name}.norm1', stream, attn_in)
        self.attention(target.attn, f'{name}.attn.w_msa', attn_in, stream)
        self.norm(target.norm2, f'{name}.norm2', stream, mlp_in)
        self.linear(target.mlp.fc1, ffn.layers[0][0], mlp_in, gelu_in)
        fill(target.mlp.fc1.params,
             self.functions[f'{name}.ffn.layers.0.1'].lower(gelu_in, gelu_out))
        self.linear(target.mlp.fc2, ffn.layers[1], gelu_out, stream)

    def merging(self, target: IntPatchMerging, stage: int, stream: float,
                next_stream: float) -> None:
        name = f'stages.{stage}.downsample'
        source = self.swin.get_submodule(name)
        inside = self.scale(f'{name}.reduction:input')
        # nn.Unfold orders (channel, row, column), cut_patches the reverse.
        features = source.reduction.in_features
        columns = torch.arange(features).view(-1, 4).T.reshape(-1)
        if source.norm is None:
            m, n = dyadic_tensors(stream / inside)
            fill(target.norm.m, m)
            fill(target.norm.n, n)
        else:
            self.norm(target.norm, f'{name}.norm', stream, inside, columns)
        self.linear(target.reduction, source.reduction, inside, next_stream,
                    columns)

    def patch_embed(self, model: IntSwinTransformer, stream: float) -> None:
        source, target = self.swin.patch_embed, model.body.patch_embed
        image = self.scale('patch_embed:input', 8)
        tokens = stream
        if source.norm is not None:
            tokens = self.scale('patch_embed.projection:output',
                                self.bits['residual'])
            self.norm(target.norm, 'patch_embed.norm', tokens, stream)
        in_channels, side = source.projection.weight.shape[1:3]
        # A convolution orders (channel, row, column), cut_patches (row,
        # column, channel).
        columns = torch.arange(in_channels * side**2).view(
            in_channels, -1).T.reshape(-1)
        self.linear(target.projection, source.projection, image, tokens,
                    columns)
        set_scale(model.quantize.scale, image)
        if self.swin.use_abs_pos_embed:
            position = self.swin.absolute_pos_embed.detach().double().cpu()
            fill(model.body.position.embedding,
                 (position[0] / stream).round())


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


def lower_swin(swin: SwinTransformer,
               thresholds: Mapping[str, float],
               functions: Mapping[str, object],
               bits: Mapping[str, int] = DEFAULT_BITS) -> IntSwinTransformer:
    """Build the integer backbone.

    Args:
        swin (SwinTransformer): The float backbone.
        thresholds (Mapping[str, float]): Clipping threshold T of every site
            of :func:`swin_sites`.
        functions (Mapping[str, object]): Candidate of every layer of
            :func:`nonlinear_layers`.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Returns:
        IntSwinTransformer: In evaluation mode, on the CPU.

    Raises:
        TypeError: If the backbone is no Swin (see :func:`check_swin`).
        ValueError: If integers cannot hold what they must.
        KeyError: If a site or a layer is missing.
    """
    check_swin(swin)
    names = {layer: functions[layer].name for layer in nonlinear_layers(swin)}
    model = IntSwinTransformer(
        **swin_config(swin), functions=names, bits=dict(bits))
    lowering = _SwinLowering(swin, thresholds, functions, bits)
    streams = [lowering.stream_scale(i) for i in range(len(swin.stages))]
    lowering.patch_embed(model, streams[0])
    for i, stage in enumerate(model.body.stages):
        for j, block in enumerate(stage.blocks):
            lowering.block(block, f'stages.{i}.blocks.{j}', streams[i])
        if stage.downsample is not None:
            lowering.merging(stage.downsample, i, streams[i], streams[i + 1])
    for i, dequantize in zip(swin.out_indices, model.dequantize):
        out = lowering.scale(f'norm{i}:output', bits['output'])
        lowering.norm(model.body.norms[str(i)], f'norm{i}', streams[i], out)
        set_scale(dequantize.scale, out)
    return model.eval()
