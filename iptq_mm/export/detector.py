"""A whole detector as one part: pixels in, boxes and masks out."""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .. import ops
from ..models.detectors.program import SCORE_BITS, least_probability
from ..models.detectors.program.image import IntImageDetector, IntPadding
from ..nn import Pixels
from .port import Port, image_port, noise

SMALL = 64
"""Side of the traced image where the size is free."""


@dataclass(frozen=True)
class DetectorRegion:
    """A detector that is one integer program.

    Args:
        module (IntImageDetector): What is exported.
        inputs (tuple[Port, ...]): Image, and size of the original.
        outputs (tuple[Port, ...]): Boxes, scores, labels and, if it has
            masks, those.
        channels (int): Of the image.
    """
    module: IntImageDetector
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    channels: int

    name = 'detector'
    free = 'HW'
    always_free = 'DYX'
    size = None

    @classmethod
    def of(cls, detector: nn.Module) -> DetectorRegion:
        """Of a detector with ``integer_program``.

        Raises:
            TypeError: If a step of it has no integer form.
        """
        backbone = detector.backbone
        projection = backbone.body.patch_embed
        rules = detector.test_cfg.get('rcnn') or {}
        entry = image_port(backbone.quantize)
        module = IntImageDetector(
            detector.integer_program(), _entry(detector),
            least_probability(rules.get('mask_thr_binary', 0.5))).eval()
        outputs = [
            Port('boxes', 2.0**-ops.COORDINATE_BITS, 'D4'),
            Port('scores', 2.0**-SCORE_BITS, 'D'),
            Port('labels', 1., 'D')
        ]
        if getattr(module.program, 'masks', None) is not None:
            outputs.append(Port('masks', 1., 'DYX'))
        return cls(
            module,
            (Port(entry.name, entry.scale, '1CHW'),
             Port('size', 1., '2', optional=True)), tuple(outputs),
            projection.projection.weight.shape[1] // projection.patch**2)

    @property
    def modules(self) -> dict[str, nn.Module]:
        """By what the names of its nodes begin with."""
        return {'': self.module}

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Integers in, integers out."""
        return self.module(*inputs)

    def example(self, size: tuple[int, int] | None) -> tuple[Tensor, ...]:
        """A seeded image, and no size of its original."""
        return (noise(self.inputs[0], self.channels, size or (SMALL, SMALL)),
                torch.zeros(2, dtype=torch.int64))

    def watch(self, see: Callable) -> Callable[[], None]:
        """Show every image that the program gets and what it finds; as
        ``NetworkRegion.watch``."""

        def show(_: nn.Module, args: tuple, found: list) -> None:
            images, sizes, rescale = args
            for image, size, one in zip(images, sizes, found):
                height, width = size.inside
                inside = image[None, :, :height, :width]
                if self.inputs[0].name == 'pixels':
                    inside = (inside.to(torch.int16) + 128).to(torch.uint8)
                original = torch.tensor(
                    size.original if rescale else size.inside)
                outputs = one[:len(self.outputs)]
                if len(self.outputs) == 4:
                    outputs = (*outputs[:3], ops.paste_masks(
                        one.masks, one.boxes, original,
                        self.module.least_probability))
                see((inside, original), tuple(outputs))

        return self.module.program.register_forward_hook(show).remove


def _entry(detector: nn.Module) -> nn.Module:
    """Pads as the detector's data preprocessor does, then as its backbone
    does."""
    backbone = detector.backbone
    patch = backbone.body.patch_embed.patch
    preprocessor = getattr(detector, 'data_preprocessor', None)
    multiple = math.lcm(
        patch, getattr(preprocessor, 'pad_size_divisor', 1) or 1)
    if not isinstance(backbone.quantize, Pixels):
        return IntPadding(multiple)
    entry = Pixels(len(backbone.quantize.padding), multiple)
    entry.padding.copy_(backbone.quantize.padding)
    return entry
