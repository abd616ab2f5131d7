"""A described float transformer -> its integer network."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from ...assignment import AttentionSoftmaxLayer, Layer, LayerNormLayer
from ...calibration import SecondMoments, Site
from ...compat import zip_strict
from ...functions.base import Candidate
from ...nn import IntPatchMerging, IntRequantize, Pixels
from ...ops import LOWER_ZERO
from ..linear import END_BITS
from ..pixels import MIDDLE
from ..rounding.rounding import Roundings, nearest_everywhere
from ..scale import fill, fill_ratio
from .block import BlockNames
from .check import check_complete
from .compensation import Compensated
from .description import Description, Merging
from .filling import Filling, image_columns, set_scale
from .scales import TransformerScales
from .sites import linears, transformer_sites


@dataclass(frozen=True)
class Target:
    """The parts of an empty integer network that a description fills.

    Args:
        patch_embed (nn.Module): ``projection`` and ``norm``.
        prefix, position (nn.Module): Have ``tokens`` and ``embedding``, or
            hold nothing.
        stages (Sequence): Of each stage its blocks, and what merges or
            rescales tokens on the way into it.
        outputs (Sequence[nn.Module]): LayerNorms of the outputs, in order.
        head (nn.Module | None): Of a classifier.
    """
    patch_embed: nn.Module
    prefix: nn.Module
    position: nn.Module
    stages: Sequence[tuple[Sequence[nn.Module],
                           IntPatchMerging | IntRequantize | None]]
    outputs: Sequence[nn.Module] = ()
    head: nn.Module | None = None


class Reader(Protocol):
    """A float network of one family."""

    def description(self) -> Description:
        """Where its parts lie.

        Raises:
            TypeError: If one of them has no integer form.
        """

    def build(self, functions: Mapping[str, str],
              bits: Mapping[str, int]) -> nn.Module:
        """The empty integer network, with ``quantize`` and ``dequantize``.

        Args:
            functions (Mapping[str, str]): Candidate of every non-linear
                layer.
            bits (Mapping[str, int]): Widths.
        """

    def target(self, model: nn.Module) -> Target:
        """Its parts, for what :meth:`build` gave."""


class TransformerLowering:
    """A ``Lowering`` of any family that has a reader.

    Args:
        reader (Reader): Of the float network.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Raises:
        TypeError: If a part of the network has no integer form, or it
            computes something else than its description.
    """

    def __init__(self, reader: Reader, bits: Mapping[str, int]):
        self.reader, self.bits = reader, bits
        self.description = reader.description()
        check_complete(self.description)

    def sites(self) -> dict[str, Site]:
        return transformer_sites(self.description, self.bits)

    def nonlinear_layers(self) -> dict[str, str]:
        return self.description.nonlinear_layers()

    def linears(self) -> dict[str, Site]:
        return linears(self.description.network, self.bits)

    def readers(self) -> dict[str, str]:
        return self.description.readers()

    def blocks(self) -> list[BlockNames]:
        return self.description.blocks()

    def compensated(self, rule: str, batches: Iterable[Tensor],
                    moments: Mapping[str, SecondMoments]) -> Roundings:
        first = self.description.patches.projection
        return Compensated(rule, self.description, batches,
                           {first: moments[first]})

    def layers(self, thresholds: Mapping[str, float]) -> dict[str, Layer]:
        scales = TransformerScales(self.description, thresholds, self.bits)
        return {
            name: _layer(name, kind, scales)
            for name, kind in self.nonlinear_layers().items()
        }

    @torch.no_grad()
    def lower(self,
              thresholds: Mapping[str, float],
              functions: Mapping[str, Candidate],
              roundings: Roundings = nearest_everywhere) -> nn.Module:
        names = {
            layer: functions[layer].name
            for layer in self.nonlinear_layers()
        }
        model = self.reader.build(names, dict(self.bits))
        scales = TransformerScales(self.description, thresholds, self.bits)
        filling = Filling(self.description.network, scales, functions,
                          roundings)
        target = self.reader.target(model)
        self._image(model.quantize, scales)
        self._embed(target, scales, filling)
        for i, (blocks, into) in enumerate(target.stages):
            stage = self.description.stages[i]
            if isinstance(into, IntRequantize):
                fill_ratio(into, scales.stream(i - 1) / scales.stream(i))
            elif into is not None:
                self._merge(into, stage.merging, i, scales, filling)
            for block, block_names in zip_strict(blocks, stage.blocks):
                filling.block(block, block_names, scales.stream(i))
        outputs = [
            stage.output for stage in self.description.stages
            if stage.output is not None
        ]
        for i, (norm, name) in enumerate(
                zip_strict(target.outputs, outputs)):
            filling.norm(norm, name)
            set_scale(model.dequantize[i].scale, scales.norm(name).output)
        if target.head is not None:
            logits = self._classify(target.head, scales, filling)
            set_scale(model.dequantize.scale, logits)
        return model.eval()

    def _image(self, quantize: nn.Module, scales: TransformerScales) -> None:
        pad_pixel = self.description.patches.pad_pixel
        if isinstance(quantize, Pixels):
            fill(quantize.padding, torch.tensor(pad_pixel) - MIDDLE)
        else:
            set_scale(quantize.scale, scales.image())

    def _embed(self, target: Target, scales: TransformerScales,
               filling: Filling) -> None:
        patches, stream = self.description.patches, scales.stream(0)
        tokens = stream
        if patches.norm is not None:
            tokens = scales.norm(patches.norm).input
            filling.norm(target.patch_embed.norm, patches.norm)
        source = self.description.network.get_submodule(patches.projection)
        filling.linear(target.patch_embed.projection, patches.projection,
                       scales.image(), tokens, image_columns(source.weight),
                       bits=END_BITS)
        embedded = self.description.embedded
        if embedded is None:
            return
        for module, buffer, values in (
            (target.prefix, 'tokens', embedded.prefix),
            (target.position, 'embedding', embedded.position)):
            if hasattr(module, buffer):
                fill(getattr(module, buffer), (values / stream).round())

    def _merge(self, target: IntPatchMerging, merging: Merging, stage: int,
               scales: TransformerScales, filling: Filling) -> None:
        inside = scales.sites.activation(f'{merging.reduction}:input')
        if merging.norm is None:
            fill_ratio(target.norm, scales.stream(stage - 1) / inside)
        else:
            filling.norm(target.norm, merging.norm, merging.columns)
        filling.linear(target.reduction, merging.reduction, inside,
                       scales.stream(stage), merging.columns)

    def _classify(self, head: nn.Module, scales: TransformerScales,
                  filling: Filling) -> float:
        """The scale of the logits, which are the mean of all heads'."""
        classifier, logits = self.description.classifier, scales.logits()
        if classifier.pooling == 'first tokens':
            norm, heads = head.norm, head.heads
        else:
            norm = (head.fc_norm if classifier.pooling == 'before the norm'
                    else head.norm)
            heads = [head.head]
            filling.pool(head.pool, *scales.pool(), classifier.tokens)
        filling.norm(norm, classifier.norm)
        for target, name in zip_strict(heads, classifier.heads):
            filling.linear(target, name, scales.head_input(), logits,
                           zero=LOWER_ZERO, bits=END_BITS)
        return logits / len(heads)


def _layer(name: str, kind: str, scales: TransformerScales) -> Layer:
    """A non-linear layer as stage 1 sees it."""
    sites = scales.sites
    if kind == 'gelu':
        names, = (names for names in scales.description.blocks()
                  if names.gelu == name)
        return sites.gelu(names)
    if kind == 'softmax':
        return AttentionSoftmaxLayer(
            sites.scores(name.removesuffix('.softmax')),
            sites.bits['attention'])
    norm = sites.network.get_submodule(name)
    return LayerNormLayer(*scales.norm(name), norm.weight.detach().cpu(),
                          norm.bias.detach().cpu(), norm.eps)
