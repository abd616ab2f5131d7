"""What an assignment is worth: the SQNR it reaches, the operations it takes.

Ranges are calibrated once and kept, so that two assignments differ in their
functions and in nothing else; thousands can be tried.
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ..functions.base import Candidate
from ..lowering import Lowering
from ..lowering.rounding.rounding import nearest_everywhere
from .front import Point


class Probe:
    """Tries assignments on a few images.

    Args:
        swin (nn.Module): Float backbone, in evaluation mode.
        lowering (Lowering): Of that backbone.
        thresholds (Mapping[str, float]): Clipping threshold of every site.
        candidates (Mapping[str, Mapping[str, Candidate]]): Fitted instances
            by layer and name.
        images (Sequence[Tensor]): Batches [B, C, H, W], held in memory with
            the float outputs for them.
    """

    @torch.no_grad()
    def __init__(self, swin: nn.Module, lowering: Lowering,
                 thresholds: Mapping[str, float],
                 candidates: Mapping[str, Mapping[str, Candidate]],
                 images: Sequence[Tensor]):
        self.lowering, self.thresholds = lowering, thresholds
        self.candidates, self.images = candidates, images
        shapes = _output_shapes(swin, lowering.nonlinear_layers(), images[0])
        batch = len(images[0])
        self.rows = {
            layer: (shape.numel() / batch, shape[-1])
            for layer, shape in shapes.items()
        }
        self._outputs = [_outputs(swin(x)) for x in images]

    def operations(self, assignment: Mapping[str, str]) -> float:
        """Integer operations of all non-linear layers for one image."""
        return sum(
            elements * self.candidates[layer][assignment[layer]].operations(
                length) for layer, (elements, length) in self.rows.items())

    def attempt(self, assignment: Mapping[str, str]) -> Point:
        """What an assignment is worth and what it takes."""
        return Point(assignment, self.operations(assignment),
                     self.sqnr_db(assignment))

    def lower(self, assignment: Mapping[str, str]) -> nn.Module:
        """The integer backbone with an assignment."""
        return self.lowering.lower(self.thresholds, {
            layer: self.candidates[layer][name]
            for layer, name in assignment.items()
        }, nearest_everywhere)

    @torch.no_grad()
    def sqnr_db(self, assignment: Mapping[str, str]) -> float:
        """SQNR over all images in dB, the mean of the backbone's outputs."""
        model = self.lower(assignment)
        signal, noise = [0.] * len(self._outputs[0]), [0.] * len(
            self._outputs[0])
        for x, outputs in zip(self.images, self._outputs):
            for i, (y, q) in enumerate(zip(outputs, _outputs(model(x)))):
                signal[i] += y.double().square().sum().item()
                noise[i] += (y.double() - q).square().sum().item()
        return sum(10 * math.log10(s / n)
                   for s, n in zip(signal, noise)) / len(signal)


def _outputs(result: Tensor | Sequence[Tensor]) -> Sequence[Tensor]:
    """A classifier gives one tensor, a backbone several."""
    return [result] if isinstance(result, Tensor) else result


def _output_shapes(swin: nn.Module, layers: Mapping[str, str],
                   images: Tensor) -> dict[str, torch.Size]:
    shapes, handles = {}, []
    for layer in layers:
        handles.append(
            swin.get_submodule(layer).register_forward_hook(
                lambda module, args, y, layer=layer: shapes.update(
                    {layer: y.shape})))
    try:
        swin(images)
    finally:
        for handle in handles:
            handle.remove()
    return shapes
