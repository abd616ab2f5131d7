"""The scales of an integer transformer, from the thresholds of its sites.

Stage 1 judges the candidates at these scales and lowering uses the same ones,
so what was judged is what runs.
"""
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ... import ops
from ...arithmetic import qmax
from ...assignment import GELULayer, MLPGELULayer
from ..scale import scale_of
from .block import (
    GELU_MINIMUM,
    SCORE_BITS,
    BlockNames,
    head_sites,
    stream_sites,
)
from .description import IMAGE, Description

MIN_FUNCTION_SCALE = 2.0**-12
"""Finest input scale for which the candidates state their error bounds."""


OWN_SHARE = 0.75
"""How far the scales of GELU's groups follow the ranges of the groups (1) or
the largest of them (0). The finer a group's scale, the smaller its columns in
the weights that read it, which have one scale a row."""


class AttentionScales(NamedTuple):
    """Scales inside an attention layer; float64 [heads] but for the scores.
    """
    q: Tensor
    k: Tensor
    v: Tensor
    context: Tensor
    scores: float


class Scales:
    """Scales that follow from the thresholds of single sites.

    Args:
        network (nn.Module): The float network.
        thresholds (Mapping[str, float]): Of every site.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """

    def __init__(self, network: nn.Module, thresholds: Mapping[str, float],
                 bits: Mapping[str, int]):
        self.network, self.thresholds, self.bits = network, thresholds, bits

    def activation(self, site: str) -> float:
        """What enters a matrix product."""
        return scale_of(self.thresholds[site], self.bits['activation'])

    def residual(self, *sites: str) -> float:
        """Sites that share the integers of the residual stream."""
        return scale_of(max(self.thresholds[site] for site in sites),
                        self.bits['residual'])

    def scores(self, attn: str) -> float:
        """Attention scores; before and after a position bias they must fit
        the same integers."""
        table = getattr(
            self.network.get_submodule(attn), 'relative_position_bias_table',
            None)
        bias = 0. if table is None else table.detach().abs().max().item()
        return max(
            scale_of(self.thresholds[f'{attn}.softmax:input'] + bias,
                     SCORE_BITS), MIN_FUNCTION_SCALE)

    def attention(self, names: BlockNames) -> AttentionScales:
        """Scales inside the attention layer of a block."""
        heads = self.network.get_submodule(names.attn).num_heads
        of_heads = {
            part: torch.tensor([self.activation(site) for site in sites],
                               dtype=torch.float64)
            for part, sites in head_sites(names, heads).items()
        }
        return AttentionScales(**of_heads, scores=self.scores(names.attn))

    def gelu(self, names: BlockNames) -> MLPGELULayer:
        """Scales of a block's GELU; the least output is the least integer."""
        hidden = self.network.get_submodule(names.fc1).out_features
        parts = range(len(ops.group_ends(hidden)))
        reaches = [self.thresholds[f'{names.gelu}:output:{i}'] for i in parts]
        largest = qmax(self.bits['activation'])

        def of(part: int) -> GELULayer:
            reach = max(reaches) * (reaches[part] / max(reaches))**OWN_SHARE
            output = scale_of(reach, self.bits['activation'] + 1)
            return GELULayer(
                max(self.activation(f'{names.gelu}:input:{part}'),
                    MIN_FUNCTION_SCALE), output,
                round(-GELU_MINIMUM / output) - largest)

        return MLPGELULayer(tuple(map(of, parts)))


class NormScales(NamedTuple):
    """Scales of a LayerNorm, and the width of its output."""
    input: float
    output: float
    bits: int


class TransformerScales:
    """Scales of a whole network, by module name.

    Args:
        description (Description): Of the float network.
        thresholds (Mapping[str, float]): Of every site.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """

    def __init__(self, description: Description,
                 thresholds: Mapping[str, float], bits: Mapping[str, int]):
        self.description, self.bits = description, bits
        self.thresholds = thresholds
        self.sites = Scales(description.network, thresholds, bits)

    def image(self) -> float:
        """The input image, which has 8 bits; 1 where it is the pixels."""
        if self.description.patches.pad_pixel is not None:
            return 1.
        return scale_of(self.thresholds[IMAGE], 8)

    def stream(self, stage: int) -> float:
        """The residual stream of a stage, and the branches added to it; what
        is embedded must fit its integers before it is added."""
        sites = [f'{self.description.patches.module}:output'
                 ] if stage == 0 else []
        for names in self.description.stages[stage].blocks:
            sites += stream_sites(names)
        scale = self.sites.residual(*sites)
        embedded = self.description.embedded
        if stage == 0 and embedded is not None and embedded.in_stream:
            reach = torch.cat([embedded.prefix, embedded.position])
            scale = max(scale, scale_of(reach.abs().max().item(),
                                        self.bits['residual']))
        return scale

    def head_input(self) -> float:
        """What the classifiers take; they share a LayerNorm."""
        return self.sites.residual(*(
            f'{head}:input' for head in self.description.classifier.heads))

    def logits(self) -> float:
        """The sum of all classifiers' logits, and each of them."""
        return scale_of(
            sum(self.thresholds[f'{head}:output']
                for head in self.description.classifier.heads),
            self.bits['output'])

    def pool(self) -> tuple[float, float]:
        """Input and output of average pooling."""
        classifier = self.description.classifier
        if classifier.pooling == 'before the norm':
            return self._last(), self.sites.residual(
                f'{classifier.norm}:input')
        return (self.sites.residual(f'{classifier.norm}:output'),
                self.head_input())

    def norm(self, layer: str) -> NormScales:
        """Of a LayerNorm by its module name."""
        return self._norms[layer]

    def _last(self) -> float:
        return self.stream(len(self.description.stages) - 1)

    @cached_property
    def _norms(self) -> dict[str, NormScales]:
        sites, bits = self.sites, self.bits
        residual, activation = bits['residual'], bits['activation']
        norms, patches = {}, self.description.patches
        if patches.norm is not None:
            norms[patches.norm] = NormScales(
                sites.residual(f'{patches.norm}:input'), self.stream(0),
                residual)
        for i, stage in enumerate(self.description.stages):
            stream, merging = self.stream(i), stage.merging
            if merging is not None and merging.norm is not None:
                norms[merging.norm] = NormScales(
                    self.stream(i - 1),
                    sites.activation(f'{merging.reduction}:input'),
                    activation)
            for names in stage.blocks:
                for norm in (names.norm1, names.norm2):
                    norms[norm] = NormScales(
                        stream, sites.activation(f'{norm}:output'),
                        activation)
            if stage.output is not None:
                norms[stage.output] = NormScales(
                    stream,
                    scale_of(self.thresholds[f'{stage.output}:output'],
                             bits['output']), bits['output'])
        if self.description.classifier is not None:
            norms[self.description.classifier.norm] = self._last_norm()
        return norms

    def _last_norm(self) -> NormScales:
        """Of the LayerNorm before the classifiers."""
        classifier = self.description.classifier
        before, after = self._last(), self.head_input()
        if classifier.pooling == 'before the norm':
            before = self.sites.residual(f'{classifier.norm}:input')
        elif classifier.pooling == 'after the norm':
            after = self.sites.residual(f'{classifier.norm}:output')
        return NormScales(before, after, self.bits['residual'])
