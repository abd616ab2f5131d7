"""What a float Swin or ViT is made of, in the order of its forward pass.

A reader (``lowering/readers/``) says for each float family where these parts
lie; sites, scales, equalization, the integer network and the check that
nothing was overlooked follow from the description alone.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from .block import BlockNames, block_layers, block_readers

IMAGE = 'patch_embed:input'
"""Site of the image."""


@dataclass(frozen=True)
class Patches:
    """The image cut into tokens.

    Args:
        module (str): What gives the tokens.
        projection (str): Its convolution, which does not overlap.
        norm (str | None): LayerNorm after it.
        pad_pixel (list[int] | None): Where the image is uint8 pixels: what it
            is padded with, by channel.
    """
    module: str
    projection: str
    norm: str | None
    pad_pixel: list[int] | None = None


@dataclass(frozen=True)
class Embedded:
    """What is put before the tokens of the patches, and added to them.

    Args:
        prefix (Tensor): float64 [P, C], each token with its own position.
        position (Tensor): float64 [N, C], zeros where there are none.
        parameters (tuple[str, ...]): Names of what they were made of.
        in_stream (bool): Whether they count for the scale of the stream.
    """
    prefix: Tensor
    position: Tensor
    parameters: tuple[str, ...]
    in_stream: bool


@dataclass(frozen=True)
class Merging:
    """Neighbouring tokens merged, on the way into a stage.

    Args:
        norm (str | None): LayerNorm over 4 C channels.
        reduction (str): The linear layer that reads them.
        columns (Tensor): int64 [4 C], where integers ordered (row, column,
            channel) are found among the float channels.
        stride (int): From one neighbourhood to the next.
    """
    norm: str | None
    reduction: str
    columns: Tensor
    stride: int


@dataclass(frozen=True)
class Window:
    """Where attention looks.

    Args:
        side (int): Of a window, in tokens.
        shift (int): Cyclic, in [0, side).
    """
    side: int
    shift: int


@dataclass(frozen=True)
class Stage:
    """Blocks of one scale of the residual stream.

    Args:
        blocks (list[BlockNames]): In order.
        windows (list[Window] | None): Of each; None: attention is global.
        merging (Merging | None): What leads into the stage; None where the
            tokens stay what they are.
        output (str | None): LayerNorm whose output leaves the network.
    """
    blocks: list[BlockNames]
    windows: list[Window] | None = None
    merging: Merging | None = None
    output: str | None = None


@dataclass(frozen=True)
class Classifier:
    """From tokens to logits.

    Args:
        norm (str): The last LayerNorm.
        pooling (str): Which tokens are classified: the first ones (each by a
            layer of its own), or the mean of all, taken before the norm or
            after it.
        heads (list[str]): The linear layers.
        skip (int): Leading tokens that have no part in the mean.
        tokens (int): How many have.
    """
    norm: str
    pooling: Literal['first tokens', 'before the norm', 'after the norm']
    heads: list[str]
    skip: int
    tokens: int


@dataclass(frozen=True)
class Description:
    """A float network.

    Args:
        network (nn.Module): The network, in evaluation mode.
        patches (Patches): Where it begins.
        stages (list[Stage]): In order; those of a Swin are fine to coarse.
        embedded (Embedded | None): Tokens and positions of its own.
        classifier (Classifier | None): Where it ends, unless with outputs of
            its stages.
    """
    network: nn.Module
    patches: Patches
    stages: list[Stage]
    embedded: Embedded | None = None
    classifier: Classifier | None = None

    def blocks(self) -> list[BlockNames]:
        """Module names inside every block."""
        return [names for stage in self.stages for names in stage.blocks]

    def nonlinear_layers(self) -> dict[str, str]:
        """Kind (``gelu``, ``softmax``, ``layernorm``) of every non-linear
        layer by its module name, in the order of the forward pass."""
        return dict(self._nonlinear_layers())

    def _nonlinear_layers(self) -> Iterator[tuple[str, str]]:
        if self.patches.norm is not None:
            yield self.patches.norm, 'layernorm'
        output = None
        for stage in self.stages:
            if stage.merging is not None and stage.merging.norm is not None:
                yield stage.merging.norm, 'layernorm'
            if output is not None:  # mmdet merges before it gives an output
                yield output, 'layernorm'
            for names in stage.blocks:
                yield from block_layers(names).items()
            output = stage.output
        if output is not None:
            yield output, 'layernorm'
        if self.classifier is not None:
            yield self.classifier.norm, 'layernorm'

    def readers(self) -> dict[str, str]:
        """The linear layer that alone reads the output of a LayerNorm, by
        the LayerNorm's name. Pooling leaves channels apart; two classifiers
        read the last one of a DeiT."""
        pairs = block_readers(self.blocks())
        for stage in self.stages:
            if stage.merging is not None and stage.merging.norm is not None:
                pairs[stage.merging.norm] = stage.merging.reduction
        if self.classifier is not None and len(self.classifier.heads) == 1:
            pairs[self.classifier.norm] = self.classifier.heads[0]
        return pairs
