"""A description of a transformer, run in floats.

It uses the network's own layers and nothing else of it: their order, what is
added to what, the attention between them are the description's. So it gives
what the network gives if the description says all that the network does.
"""
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...ops.merging import cut_patches
from ...ops.window import (
    relative_position_index,
    shift_regions,
    window_merge,
    window_partition,
)
from .block import BlockNames
from .description import Description, Merging, Window

MASK = 100.0
"""What Swin subtracts from the score of two tokens of different regions."""


class Replay:
    """One forward pass as described.

    Args:
        description (Description): Of a float network in evaluation mode.
    """

    def __init__(self, description: Description):
        self.description = description

    def layer(self, name: str) -> nn.Module:
        return self.description.network.get_submodule(name)

    def steps(self, image: Tensor) -> Iterator[tuple[str, Tensor]]:
        """What comes out of every block, and of the network.

        Args:
            image (Tensor): float32 [B, C, H, W], as the patches take it.

        Yields:
            tuple[str, Tensor]: The block's module name and its tokens
            [B, ..., C]; then ``output N`` [B, C, H, W], or ``logits``.
        """
        x, outputs = self._embed(image), []
        for stage in self.description.stages:
            if stage.merging is not None:
                x = self._merge(stage.merging, x)
            for i, names in enumerate(stage.blocks):
                window = None if stage.windows is None else stage.windows[i]
                x = self._block(names, window, x)
                yield names.block, x
            if stage.output is not None:
                outputs.append(self.layer(stage.output)(x))
        for i, y in enumerate(outputs):
            yield f'output {i}', y.permute(0, 3, 1, 2)
        if self.description.classifier is not None:
            yield 'logits', self._classify(x.flatten(1, -2))

    def _embed(self, image: Tensor) -> Tensor:
        patches, embedded = self.description.patches, self.description.embedded
        projection = self.layer(patches.projection)
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

    def _merge(self, merging: Merging, x: Tensor) -> Tensor:
        merged = cut_patches(x, 2, merging.stride)
        # Its float channels have an order of their own.
        ordered = torch.empty_like(merged)
        ordered[..., merging.columns.to(x.device)] = merged
        if merging.norm is not None:
            ordered = self.layer(merging.norm)(ordered)
        return self.layer(merging.reduction)(ordered)

    def _block(self, names: BlockNames, window: Window | None,
               x: Tensor) -> Tensor:
        y = self.layer(names.norm1)(x)
        if window is None:
            y = self._attend(names.attn, y.flatten(1, -2)).view(y.shape)
        else:
            y = self._attend_in_windows(names.attn, window, y)
        x = x + self._scaled(names.branch1, y)
        y = self.layer(names.gelu)(self.layer(names.fc1)(
            self.layer(names.norm2)(x)))
        return x + self._scaled(names.branch2, self.layer(names.fc2)(y))

    def _scaled(self, branch: str, y: Tensor) -> Tensor:
        gamma = getattr(self.layer(branch), 'gamma', None)
        return y if gamma is None else gamma * y

    def _attend(self, name: str, x: Tensor,
                bias: Tensor | float = 0.) -> Tensor:
        """[B, N, C] -> [B, N, C]; ``bias`` [..., heads, N, N]."""
        attn = self.layer(name)
        qkv = attn.qkv(x).unflatten(-1, (3, attn.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = q * attn.scale @ k.transpose(-2, -1) + bias
        context = scores.softmax(-1) @ v
        return attn.proj(context.transpose(1, 2).flatten(2))

    def _attend_in_windows(self, name: str, window: Window,
                           x: Tensor) -> Tensor:
        side, shift = window.side, window.shift
        height, width = x.shape[1:3]
        x = F.pad(x, (0, 0, 0, -width % side, 0, -height % side))
        padded = x.shape
        if shift:
            x = x.roll((-shift, -shift), (1, 2))
        windows = window_partition(x, side)
        table = self.layer(name).relative_position_bias_table
        index = relative_position_index(side, x.device)
        bias = table[index].permute(2, 0, 1)
        if shift:
            regions = shift_regions(padded[1], padded[2], side, shift,
                                    x.device)
            apart = regions[:, None, :] != regions[:, :, None]
            mask = -MASK * apart.to(x.dtype)
            bias = bias + mask.repeat(len(x), 1, 1)[:, None]
        x = window_merge(
            self._attend(name, windows, bias), side, padded[1], padded[2])
        if shift:
            x = x.roll((shift, shift), (1, 2))
        return x[:, :height, :width]

    def _classify(self, tokens: Tensor) -> Tensor:
        classifier = self.description.classifier
        norm = self.layer(classifier.norm)
        heads = [self.layer(name) for name in classifier.heads]
        if classifier.pooling == 'first tokens':
            tokens = norm(tokens)
            logits = [head(tokens[:, i]) for i, head in enumerate(heads)]
            return torch.stack(logits).mean(0)
        tokens = tokens[:, classifier.skip:]
        if classifier.pooling == 'before the norm':
            return heads[0](norm(tokens.mean(1)))
        return heads[0](norm(tokens).mean(1))
