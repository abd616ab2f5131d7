"""A Swin that takes the pixels themselves -> IntSwinTransformer.

The normalization of the image is linear and so is the patch embedding: the
one goes into the other's weights and bias.
"""
import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmdet.models.backbones.swin import SwinTransformer
from mmdet.models.data_preprocessors import DetDataPreprocessor
from torch import Tensor, nn

from ..assignment import Layer
from ..calibration import Site
from ..functions.base import Candidate
from ..models import IntSwinTransformer
from ..nn import Pixels
from .block import BlockNames
from .lowering import lowering_of
from .rounding.rounding import Roundings
from .scale import fill
from .swin import SwinLowering

MIDDLE = 128
"""The pixel that becomes the integer 0."""

IMAGE = 'patch_embed:input'
"""Site of the image."""


@dataclass(frozen=True)
class Normalization:
    """What a data preprocessor does to pixels p: channel c becomes
    (p[order[c]] - mean[c]) / std[c].

    Args:
        mean (Tensor): float64 [C].
        std (Tensor): float64 [C].
        order (list[int]): Channel of the image for each one of the model.
    """
    mean: Tensor
    std: Tensor
    order: list[int]

    @classmethod
    def of(cls, preprocessor: nn.Module,
           channels: int) -> 'Normalization':
        """The normalization of mmdet's data preprocessor.

        Args:
            preprocessor (nn.Module): ``DetDataPreprocessor``.
            channels (int): C.

        Raises:
            TypeError: If it is another one.
        """
        if type(preprocessor) is not DetDataPreprocessor:
            raise TypeError(
                f'the data_preprocessor is a {type(preprocessor).__name__}; '
                f'only DetDataPreprocessor can be folded into weights')
        mean, std = torch.zeros(channels), torch.ones(channels)
        # mmengine tells these two under no public name.
        if preprocessor._enable_normalize:
            mean, std = preprocessor.mean.flatten(), preprocessor.std.flatten()
        order = list(range(channels))
        return cls(mean.double().cpu().expand(channels),
                   std.double().cpu().expand(channels),
                   order[::-1] if preprocessor._channel_conversion else order)

    def pixel(self, value: float) -> list[int]:
        """The pixel that is nearest to one whose channels are all ``value``
        after normalization, by channel of the image."""
        pixels = self.mean + self.std * value
        nearest = pixels.round().clamp(0, 255).int().tolist()
        return [nearest[self.order.index(c)] for c in range(len(nearest))]


class PixelSwin(SwinTransformer):
    """A float Swin with the normalization folded in: uint8 [B, C, H, W] in,
    the features of the other one out.

    Args:
        swin (SwinTransformer): Takes normalized images; stays as it is.
        normalization (Normalization): What they were normalized by.
    """

    def __init__(self, swin: SwinTransformer, normalization: Normalization):
        nn.Module.__init__(self)
        # mmdet's Swin does not know the arguments that it was built with.
        self.__dict__.update(copy.deepcopy(swin).__dict__)
        # mmdet's patch embedding pads with zeros.
        self.pad_pixel = normalization.pixel(0.)
        conv = self.patch_embed.projection
        mean, std = normalization.mean, normalization.std
        weight = conv.weight.detach().double().cpu() / std.view(-1, 1, 1)
        shift = (weight * (MIDDLE - mean).view(-1, 1, 1)).sum((1, 2, 3))
        image_channels = [
            normalization.order.index(c) for c in range(len(mean))
        ]
        with torch.no_grad():
            conv.weight.copy_(weight[:, image_channels])
            conv.bias.add_(shift.to(conv.bias))

    def forward(self, image: Tensor) -> list[Tensor]:
        patch = self.patch_embed.projection.stride[0]
        pad = torch.tensor(self.pad_pixel, device=image.device).view(-1, 1, 1)
        height, width = image.shape[-2:]
        around_pad = F.pad(image.float() - pad,
                           (0, -width % patch, 0, -height % patch))
        return super().forward(around_pad + (pad - MIDDLE))


@lowering_of.register(PixelSwin)
class PixelSwinLowering:
    """PixelSwin -> IntSwinTransformer that takes uint8; a ``Lowering``.

    Args:
        swin (PixelSwin): The float backbone.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Raises:
        TypeError: If a layer of it has no integer form.
    """

    def __init__(self, swin: PixelSwin, bits: Mapping[str, int]):
        self.swin, self.inner = swin, SwinLowering(swin, bits)

    def sites(self) -> dict[str, Site]:
        sites = self.inner.sites()
        del sites[IMAGE]  # its scale is 1, whatever is seen
        return sites

    def nonlinear_layers(self) -> dict[str, str]:
        return self.inner.nonlinear_layers()

    def linears(self) -> dict[str, Site]:
        return self.inner.linears()

    def readers(self) -> dict[str, str]:
        return self.inner.readers()

    def blocks(self) -> list[BlockNames]:
        return self.inner.blocks()

    def layers(self, thresholds: Mapping[str, float]) -> dict[str, Layer]:
        return self.inner.layers(thresholds)

    def lower(self, thresholds: Mapping[str, float],
              functions: Mapping[str, Candidate],
              roundings: Roundings) -> IntSwinTransformer:
        model = self.inner.lower({**thresholds, IMAGE: 127.}, functions,
                                 roundings)
        pad_pixel = torch.tensor(self.swin.pad_pixel)
        pixels = Pixels(len(pad_pixel), model.body.patch_embed.patch)
        fill(pixels.padding, pad_pixel - MIDDLE)
        model.quantize = pixels.eval()
        return model
