"""Nothing of a float network falls away.

A variant of tomorrow has a layer, a parameter or a line in its forward pass
that its description does not know. It is refused, whichever way it came: its
parameters by their names, and all else by what the network computes beside
what its description does.
"""
from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..same import agree, check_parameters, evaluating
from .description import Description
from .replay import After, Replay


def check_complete(description: Description) -> None:
    """Refuse a network of which a description tells a part only.

    Raises:
        TypeError: Naming what it does not tell.
    """
    check_parameters(description.network, _known(description))
    part = _first_difference(description)
    if part is not None:
        raise TypeError(
            f'{type(description.network).__name__} that computes something '
            f'else in {part} than its layers tell (a function called in its '
            f'forward pass?), which has no integer form')


def _known(description: Description) -> Iterator[str]:
    """Names of all parameters that lowering takes up."""
    layers = [description.patches.projection, description.patches.norm]
    for stage in description.stages:
        layers.append(stage.output)
        if stage.merging is not None:
            layers += [stage.merging.norm, stage.merging.reduction]
        for names in stage.blocks:
            layers += [names.norm1, f'{names.attn}.qkv', f'{names.attn}.proj',
                       names.norm2, names.fc1, names.fc2]
            yield f'{names.attn}.relative_position_bias_table'
            yield f'{names.branch1}.gamma'
            yield f'{names.branch2}.gamma'
    if description.classifier is not None:
        layers += [description.classifier.norm, *description.classifier.heads]
    for layer in layers:
        yield f'{layer}.weight'
        yield f'{layer}.bias'
    if description.embedded is not None:
        yield from description.embedded.parameters


@torch.no_grad()
def _first_difference(description: Description) -> str | None:
    """The first block or output in which network and description differ."""
    network, seen = description.network, {}
    image = _image(description)
    handles = [
        network.get_submodule(names.block).register_forward_hook(
            lambda _, __, y, name=names.block: seen.update({name: y}))
        for names in description.blocks()
    ]
    try:
        with evaluating(network):
            # Not network(image): hooks on it are of whoever put them there.
            answer = network.forward(image)
            ours = {
                step.name: step.y
                for step in Replay(description).steps(image)
                if isinstance(step, After)
            }
    finally:
        for handle in handles:
            handle.remove()
    # A DeiT gives its classifiers' logits apart, or their mean.
    if torch.is_tensor(answer):
        seen['logits'] = answer
    else:
        seen |= {f'output {i}': y for i, y in enumerate(answer)}
    return next((name for name, y in ours.items()
                 if not agree(y, seen[name])), None)


def _image(description: Description) -> Tensor:
    """Noise of a size that the network takes: of a detector, one that is a
    multiple of nothing."""
    projection = description.network.get_submodule(
        description.patches.projection)
    weight, patch = projection.weight, projection.stride[0]
    generator = torch.Generator().manual_seed(0)
    size = getattr(description.network.get_submodule(
        description.patches.module), 'img_size', None)
    if size is None:
        side = description.stages[0].windows[0].side
        size = (patch * (side + 2) - 1, patch * (2 * side + 1) - 1)
        embedded = description.embedded
        if embedded is not None:
            # As many tokens as there are positions, in one row: no size is
            # told but this number.
            size = _as_trained(len(embedded.position), patch)
    shape = (1, weight.shape[1], *size)
    if description.patches.pad_pixel is not None:
        return torch.randint(
            0, 256, shape, generator=generator).byte().to(weight.device)
    return torch.randn(shape, generator=generator).to(weight)


def _as_trained(tokens: int, patch: int) -> tuple[int, int]:
    """A size with so many patches, as square as can be."""
    rows = next(side for side in range(math.isqrt(tokens), 0, -1)
                if tokens % side == 0)
    return rows * patch, tokens // rows * patch
