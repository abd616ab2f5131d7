"""Where calibration looks at mmdet's SwinTransformer, and what it is made of.
"""
from collections.abc import Mapping
from functools import partial

from mmdet.models.backbones.swin import SwinTransformer
from torch import Tensor, nn

from ..calibration import Site, unmasked_scores
from ..models.swin_backbone import DEFAULT_BITS


SCORE_BITS = 16
"""Width of the attention scores, before the position bias and the mask."""


def check_layers(swin: SwinTransformer) -> None:
    """Refuse a Swin with parts that have no integer form.

    Raises:
        TypeError: Naming the module and what is supported.
    """
    kinds = dict(gelu=nn.GELU, softmax=nn.Softmax, layernorm=nn.LayerNorm)
    for name, kind in nonlinear_layers(swin).items():
        layer = swin.get_submodule(name)
        if not isinstance(layer, kinds[kind]) or getattr(
                layer, 'approximate', 'none') != 'none':
            raise TypeError(f'backbone.{name} is {layer}; only '
                            f'{kinds[kind].__name__} has an integer form here')


def block_names(swin: SwinTransformer, stage: int) -> list[str]:
    """Module names of the blocks of a stage."""
    return [
        f'stages.{stage}.blocks.{j}'
        for j in range(len(swin.stages[stage].blocks))
    ]


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
        for block in block_names(swin, i):
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
    for i, stage in enumerate(swin.stages):
        for block in block_names(swin, i):
            watch(f'{block}.norm1', 'input', residual)
            watch(f'{block}.norm1', 'output', activation)
            for third, part in enumerate('qkv'):
                watch(f'{block}.attn.w_msa.qkv', 'output', activation, part,
                      partial(_third, third))
            watch(f'{block}.attn.w_msa.softmax', 'input', SCORE_BITS,
                  select=unmasked_scores)
            watch(f'{block}.attn.w_msa.proj', 'input', activation)
            watch(f'{block}.attn.w_msa.proj', 'output', residual)
            watch(f'{block}.norm2', 'input', residual)
            watch(f'{block}.norm2', 'output', activation)
            watch(f'{block}.ffn.layers.0.0', 'output', activation)
            watch(f'{block}.ffn.layers.0.1', 'output', activation)
            watch(f'{block}.ffn.layers.1', 'output', residual)
            watch(block, 'output', residual)
        if stage.downsample is not None:
            watch(f'stages.{i}.downsample.reduction', 'input', activation)
    for i in swin.out_indices:
        watch(f'norm{i}', 'output', bits['output'])
    return sites
