"""Where calibration looks at timm's SwinTransformer, what it is made of, and
its scales."""
from collections.abc import Mapping

from timm.models.swin_transformer import SwinTransformer
from torch import nn

from ..calibration import Site
from .block import (
    BlockNames,
    NormScales,
    Scales,
    block_layers,
    block_readers,
    block_sites,
    stream_sites,
)
from .scale import scale_of
from .timm_block import (
    check_block,
    check_norm,
    classifier_sites,
    require,
    timm_names,
)

CLASSIFIER = 'head.fc'


def block_names(swin: SwinTransformer, stage: int) -> list[BlockNames]:
    """Module names inside the blocks of a stage."""
    return [
        timm_names(swin, f'layers.{stage}.blocks.{j}')
        for j in range(len(swin.layers[stage].blocks))
    ]


def mergings(swin: SwinTransformer) -> list[str]:
    """Module name of the merging before each stage but the first."""
    return [f'layers.{i}.downsample' for i in range(1, len(swin.layers))]


def check_swin(swin: SwinTransformer) -> None:
    """Refuse a Swin with parts that have no integer form.

    Raises:
        TypeError: Naming the part and what is supported.
    """

    def has(condition: bool, what: str, supported: str) -> None:
        require(condition, swin, what, supported)

    has(type(swin) is SwinTransformer, 'a forward pass of its own',
        'timm\'s Swin, version 1')
    has(not swin.dynamic_img_size, 'dynamic_img_size', 'one image size')
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
                 *(f'{merging}.norm' for merging in mergings(swin))):
        check_norm(swin, norm)
    for i, stage in enumerate(swin.layers):
        for names, block in zip(block_names(swin, i), stage.blocks):
            check_block(swin, names.block)
            (height, width), shift = block.window_size, block.shift_size
            has(height == width and shift[0] == shift[1],
                f'windows of {height} x {width}, shifted by {shift}, in '
                f'{names.block}', 'square windows, shifted alike')
            # timm pads a shifted map, mmdet shifts a padded one.
            has(not shift[0] or not any(
                side % height for side in block.input_resolution),
                f'maps of {block.input_resolution} tokens in shifted windows '
                f'of {height}, in {names.block}', 'whole windows')


def all_blocks(swin: SwinTransformer) -> list[BlockNames]:
    """Of every stage."""
    return [
        names for stage in range(len(swin.layers))
        for names in block_names(swin, stage)
    ]


def nonlinear_layers(swin: SwinTransformer) -> dict[str, str]:
    """Kind of every non-linear layer by its module name, in the order of the
    forward pass."""
    layers = {'patch_embed.norm': 'layernorm'}
    for i in range(len(swin.layers)):
        if i:
            layers[f'layers.{i}.downsample.norm'] = 'layernorm'
        for names in block_names(swin, i):
            layers |= block_layers(names)
    return {**layers, 'norm': 'layernorm'}


def readers(swin: SwinTransformer) -> dict[str, str]:
    """The linear layer that alone reads the output of a LayerNorm, by the
    LayerNorm's name; pooling leaves channels apart."""
    pairs = {
        f'{merging}.norm': f'{merging}.reduction'
        for merging in mergings(swin)
    }
    for i in range(len(swin.layers)):
        pairs |= block_readers(block_names(swin, i))
    return {**pairs, 'norm': CLASSIFIER}


def swin_sites(swin: SwinTransformer,
               bits: Mapping[str, int]) -> dict[str, Site]:
    """Where calibration observes the float network.

    Args:
        swin (SwinTransformer): The float network.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Returns:
        dict[str, Site]: By site name.
    """
    sites = {'patch_embed:input': Site('patch_embed', 'input', 8)}

    def watch(module: str, port: str, width: int) -> None:
        sites[f'{module}:{port}'] = Site(module, port, width)

    watch('patch_embed.norm', 'input', bits['residual'])
    watch('patch_embed', 'output', bits['residual'])
    for i in range(len(swin.layers)):
        for names in block_names(swin, i):
            sites |= block_sites(names, bits)
    for merging in mergings(swin):
        watch(f'{merging}.reduction', 'input', bits['activation'])
        watch(merging, 'output', bits['residual'])
    watch('norm', 'output', bits['residual'])
    return sites | classifier_sites(CLASSIFIER, bits)


class TimmSwinScales:
    """Scales by module name of the float network.

    Args:
        swin (SwinTransformer): The float network.
        thresholds (Mapping[str, float]): Of every site of ``swin_sites``.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """

    def __init__(self, swin: SwinTransformer, thresholds: Mapping[str, float],
                 bits: Mapping[str, int]):
        self.swin, self.thresholds, self.bits = swin, thresholds, bits
        self.sites = Scales(swin, thresholds, bits)

    def image(self) -> float:
        """The input image, which has 8 bits."""
        return scale_of(self.thresholds['patch_embed:input'], 8)

    def stream(self, stage: int) -> float:
        """The residual stream of a stage, and the branches added to it."""
        before = f'layers.{stage}.downsample' if stage else 'patch_embed'
        sites = [f'{before}:output']
        for names in block_names(self.swin, stage):
            sites += stream_sites(names)
        return self.sites.residual(*sites)

    def pool(self) -> tuple[float, float]:
        """Input and output of average pooling."""
        return (self.sites.residual('norm:output'),
                self.sites.residual(f'{CLASSIFIER}:input'))

    def logits(self) -> float:
        """What the classifier gives."""
        return scale_of(self.thresholds[f'{CLASSIFIER}:output'],
                        self.bits['output'])

    def norm(self, layer: str) -> NormScales:
        """Of a LayerNorm by its module name."""
        residual, activation = self.bits['residual'], self.bits['activation']
        if layer == 'patch_embed.norm':
            return NormScales(self.sites.residual('patch_embed.norm:input'),
                              self.stream(0), residual)
        if layer == 'norm':
            return NormScales(self.stream(len(self.swin.layers) - 1),
                              self.sites.residual('norm:output'), residual)
        stage = int(layer.split('.')[1])
        if layer.endswith('downsample.norm'):
            site = layer.removesuffix('norm') + 'reduction:input'
            return NormScales(self.stream(stage - 1),
                              self.sites.activation(site), activation)
        return NormScales(self.stream(stage),
                          self.sites.activation(f'{layer}:output'),
                          activation)
