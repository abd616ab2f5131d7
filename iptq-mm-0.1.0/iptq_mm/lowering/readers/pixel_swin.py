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

from ..lowering import lowering_of
from ..transformer.lowering import MIDDLE, TransformerLowering
from .mmdet_swin import SwinReader


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

    def around_middle(self, image: Tensor) -> Tensor:
        """uint8 [B, C, H, W] -> float32 [B, C, H', W'], whole patches of
        pixels less their middle."""
        patch = self.patch_embed.projection.stride[0]
        pad = torch.tensor(self.pad_pixel, device=image.device).view(-1, 1, 1)
        height, width = image.shape[-2:]
        around_pad = F.pad(image.float() - pad,
                           (0, -width % patch, 0, -height % patch))
        return around_pad + (pad - MIDDLE)

    def forward(self, image: Tensor) -> list[Tensor]:
        return super().forward(self.around_middle(image))


@lowering_of.register(PixelSwin)
def lowering_of_pixel_swin(swin: PixelSwin,
                           bits: Mapping[str, int]) -> TransformerLowering:
    """PixelSwin -> IntSwinTransformer that takes uint8."""
    return TransformerLowering(SwinReader(swin, swin.pad_pixel), bits)
