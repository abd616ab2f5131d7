"""Where calibration looks at mmdet's SwinTransformer, and what it is made of.
"""
from collections.abc import Mapping

from mmdet.models.backbones.swin import SwinTransformer
from torch import nn

from ..calibration import Site, output_site
from ..models.detectors.swin_backbone import DEFAULT_BITS
from .block import BlockNames, block_layers, block_readers, block_sites
from .detectors.convolution import moments_site


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
            raise TypeError(f'{type(swin).__name__} whose {name} is {layer}; '
                            f'only {kinds[kind].__name__} has an integer form '
                            f'there')


def block_names(swin: SwinTransformer, stage: int) -> list[BlockNames]:
    """Module names inside the blocks of a stage."""

    def names(block: str) -> BlockNames:
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

    return [
        names(f'stages.{stage}.blocks.{j}')
        for j in range(len(swin.stages[stage].blocks))
    ]


def all_blocks(swin: SwinTransformer) -> list[BlockNames]:
    """Of every stage."""
    return [
        names for stage in range(len(swin.stages))
        for names in block_names(swin, stage)
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
            layers |= block_layers(block)
        if stage.downsample is not None and stage.downsample.norm is not None:
            layers[f'stages.{i}.downsample.norm'] = 'layernorm'
        if i in swin.out_indices:
            layers[f'norm{i}'] = 'layernorm'
    return layers


def readers(swin: SwinTransformer) -> dict[str, str]:
    """The linear layer after each LayerNorm that has one."""
    pairs = {}
    for i, stage in enumerate(swin.stages):
        pairs |= block_readers(block_names(swin, i))
        if stage.downsample is not None and stage.downsample.norm is not None:
            merging = f'stages.{i}.downsample'
            pairs[f'{merging}.norm'] = f'{merging}.reduction'
    return pairs


def linears(network: nn.Module, bits: Mapping[str, int]) -> dict[str, Site]:
    """Where the input of each layer with weights is seen, by its module name.

    Args:
        network (nn.Module): Float; its convolutions take the image.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """
    sites = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear):
            sites[name] = Site(name, 'input', bits['activation'])
        elif isinstance(module, nn.Conv2d):
            sites[name] = moments_site(name, module, 8)
    return sites


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

    def watch(module: str, port: str, width: int):
        sites[f'{module}:{port}'] = Site(module, port, width)

    watch('patch_embed.projection', 'output', residual)
    watch('patch_embed', 'output', residual)
    for i, stage in enumerate(swin.stages):
        for block in block_names(swin, i):
            sites |= block_sites(block, bits)
        if stage.downsample is not None:
            watch(f'stages.{i}.downsample.reduction', 'input', activation)
    for i in swin.out_indices:
        sites[f'norm{i}:output'] = output_site(f'norm{i}', bits['output'])
    return sites
