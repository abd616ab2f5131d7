"""A description of a transformer, run in floats.

It uses the network's own layers and nothing else of it: their order, what is
added to what, the attention between them are the description's. So it gives
what the network gives if the description says all that the network does.
"""
from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import TypeAlias

from ...ops.merging import cut_patches
from ...ops.window import (
    relative_position_index,
    shift_regions,
    window_merge,
    window_partition,
)
from ..pixels import before_patches
from .block import BlockNames
from .description import Description, Merging, Window

MASK = 100.0
"""What Swin subtracts from the score of two tokens of different regions."""


@dataclass(frozen=True)
class Before:
    """A linear layer of a block, a merging or a classifier is next.

    Args:
        layer (str): Its module name.
        x (Tensor): What it is given, [..., K].
        stream (Tensor | None): [..., N] that its output will be added to.
    """
    layer: str
    x: Tensor
    stream: Tensor | None = None


@dataclass(frozen=True)
class After:
    """A block, or the network, has given its output.

    Args:
        name (str): The block's module name, ``output N`` or ``logits``.
        y (Tensor): Tokens [B, ..., C]; an output of the network
            [B, C, H, W]; logits [B, N].
    """
    name: str
    y: Tensor


Part: TypeAlias = Generator[Union[Before, After], None, Tensor]
"""Stops before every linear layer; gives the tensor that comes out."""


class Replay:
    """One forward pass as described.

    Args:
        description (Description): Of a float network in evaluation mode.
    """

    def __init__(self, description: Description):
        self.description = description

    def layer(self, name: str) -> nn.Module:
        return self.description.network.get_submodule(name)

    def steps(self, image: Tensor) -> Iterator[Before | After]:
        """The pass, with a stop wherever somebody may want to look. A layer
        that is changed when it is next is run as it is then.

        Args:
            image (Tensor): [B, C, H, W], as the network takes it.
        """
        x, outputs = self._embed(image), []
        for stage in self.description.stages:
            if stage.merging is not None:
                x = yield from self._merge(stage.merging, x)
            for i, names in enumerate(stage.blocks):
                window = None if stage.windows is None else stage.windows[i]
                x = yield from self._block(names, window, x)
                yield After(names.block, x)
            if stage.output is not None:
                outputs.append(self.layer(stage.output)(x))
        for i, y in enumerate(outputs):
            yield After(f'output {i}', y.permute(0, 3, 1, 2))
        if self.description.classifier is not None:
            logits = yield from self._classify(x.flatten(1, -2))
            yield After('logits', logits)

    def _linear(self, name: str, x: Tensor,
                stream: Tensor | None = None) -> Part:
        yield Before(name, x, stream)
        return self.layer(name)(x)

    def _embed(self, image: Tensor) -> Tensor:
        patches, embedded = self.description.patches, self.description.embedded
        projection = self.layer(patches.projection)
        before = before_patches(self.layer(patches.module))
        image = image if before is None else before(image)
        height, width = image.shape[-2:]
        rows, columns = projection.stride
        padded = F.pad(image, (0, -width % columns, 0, -height % rows))
        x = projection(padded).permute(0, 2, 3, 1)
        if patches.norm is not None:
            x = self.layer(patches.norm)(x)
        if embedded is None:
            return x
        x = x + embedded.position.view(x.shape[1:]).to(x)
        if not len(embedded.prefix):
            return x
        prefix = embedded.prefix.to(x).expand(len(x), -1, -1)
        return torch.cat([prefix, x.flatten(1, 2)], 1)

    def _merge(self, merging: Merging, x: Tensor) -> Part:
        merged = cut_patches(x, 2, merging.stride)
        # Its float channels have an order of their own.
        ordered = torch.empty_like(merged)
        ordered[..., merging.columns.to(x.device)] = merged
        if merging.norm is not None:
            ordered = self.layer(merging.norm)(ordered)
        return (yield from self._linear(merging.reduction, ordered))

    def _block(self, names: BlockNames, window: Window | None,
               x: Tensor) -> Part:
        y = self.layer(names.norm1)(x)
        qkv = yield from self._linear(f'{names.attn}.qkv', y)
        if window is None:
            y = self._attend(names.attn, qkv.flatten(1, -2)).view(y.shape)
        else:
            y = self._attend_in_windows(names.attn, window, qkv)
        y = yield from self._linear(f'{names.attn}.proj', y, x)
        x = x + self._scaled(names.branch1, y)
        y = yield from self._linear(names.fc1, self.layer(names.norm2)(x))
        y = self.layer(names.gelu)(y)
        y = yield from self._linear(names.fc2, y, x)
        return x + self._scaled(names.branch2, y)

    def _scaled(self, branch: str, y: Tensor) -> Tensor:
        gamma = getattr(self.layer(branch), 'gamma', None)
        return y if gamma is None else gamma * y

    def _attend(self, name: str, qkv: Tensor,
                bias: Tensor | float = 0.) -> Tensor:
        """[B, N, 3 C] -> [B, N, C]; ``bias`` [..., heads, N, N]."""
        attn = self.layer(name)
        parts = qkv.unflatten(-1, (3, attn.num_heads, -1))
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        scores = q * attn.scale @ k.transpose(-2, -1) + bias
        context = scores.softmax(-1) @ v
        return context.transpose(1, 2).flatten(2)

    def _attend_in_windows(self, name: str, window: Window,
                           qkv: Tensor) -> Tensor:
        """[B, H, W, 3 C] -> [B, H, W, C]."""
        side, shift = window.side, window.shift
        height, width = qkv.shape[1:3]
        rows, columns = height + -height % side, width + -width % side
        # Swin pads what the layer takes, with zeros.
        empty = self.layer(f'{name}.qkv')(
            qkv.new_zeros(self.layer(f'{name}.qkv').in_features))
        padded = empty.repeat(len(qkv), rows, columns, 1)
        padded[:, :height, :width] = qkv
        if shift:
            padded = padded.roll((-shift, -shift), (1, 2))
        windows = window_partition(padded, side)
        table = self.layer(name).relative_position_bias_table
        index = relative_position_index(side, qkv.device)
        bias = table[index].permute(2, 0, 1)
        if shift:
            regions = shift_regions(rows, columns, side, shift, qkv.device)
            apart = regions[:, None, :] != regions[:, :, None]
            mask = -MASK * apart.to(qkv.dtype)
            bias = bias + mask.repeat(len(qkv), 1, 1)[:, None]
        x = window_merge(
            self._attend(name, windows, bias), side, rows, columns)
        if shift:
            x = x.roll((shift, shift), (1, 2))
        return x[:, :height, :width]

    def _classify(self, tokens: Tensor) -> Part:
        classifier = self.description.classifier
        norm, heads = self.layer(classifier.norm), classifier.heads
        if classifier.pooling == 'first tokens':
            tokens, total = norm(tokens), 0.
            for i, head in enumerate(heads):
                logits = yield from self._linear(head, tokens[:, i])
                total = total + logits
            return total / len(heads)
        tokens = tokens[:, classifier.skip:]
        if classifier.pooling == 'before the norm':
            pooled = norm(tokens.mean(1))
        else:
            pooled = norm(tokens).mean(1)
        return (yield from self._linear(heads[0], pooled))
