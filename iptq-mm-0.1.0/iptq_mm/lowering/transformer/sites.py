"""Where calibration looks at a float transformer."""
from collections.abc import Mapping

from torch import nn

from ...calibration import WIDE_HEADROOM, Site, output_site
from ..detectors.convolution import moments_site
from .block import block_sites, stream_site
from .description import IMAGE, Description


def transformer_sites(description: Description,
                      bits: Mapping[str, int]) -> dict[str, Site]:
    """Tensors whose range calibration observes.

    Args:
        description (Description): Of the float network.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Returns:
        dict[str, Site]: By site name, ``MODULE:PORT`` and, for a part of a
        tensor, ``MODULE:PORT:PART``.
    """
    sites, patches = {}, description.patches

    def watch(module: str, port: str, width: int) -> None:
        sites[f'{module}:{port}'] = Site(module, port, width)

    if patches.pad_pixel is None:  # else its scale is 1, whatever is seen
        sites[IMAGE] = Site(patches.module, 'input', 8, bounded=True)
    if patches.norm is not None:
        watch(patches.norm, 'input', bits['residual'])
    begin = f'{patches.module}:output'
    sites[begin] = stream_site(begin, bits)
    for stage in description.stages:
        if stage.merging is not None:
            watch(stage.merging.reduction, 'input', bits['activation'])
        for names in stage.blocks:
            module = description.network.get_submodule
            sites |= block_sites(names, module(names.attn).num_heads,
                                 module(names.fc1).out_features, bits)
        if stage.output is not None:
            sites[f'{stage.output}:output'] = output_site(
                stage.output, bits['output'])
    if description.classifier is not None:
        sites |= _classifier_sites(description, bits)
    return sites


def _classifier_sites(description: Description,
                      bits: Mapping[str, int]) -> dict[str, Site]:
    """Of a classifier. It reads the 16 bits of its input as they are, so that
    these have room for other images too."""
    classifier, sites = description.classifier, {}
    if classifier.pooling != 'first tokens':
        # What comes out of the mean, or goes into it.
        port = ('input'
                if classifier.pooling == 'before the norm' else 'output')
        sites[f'{classifier.norm}:{port}'] = Site(
            classifier.norm, port, bits['residual'])
    for head in classifier.heads:
        sites[f'{head}:input'] = Site(
            head, 'input', bits['residual'], headroom=WIDE_HEADROOM)
        sites[f'{head}:output'] = output_site(head, bits['output'])
    return sites


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
