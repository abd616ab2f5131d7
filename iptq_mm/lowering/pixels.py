"""A float network that takes the pixels themselves.

The normalization of the image is linear and so is the patch embedding: the
one goes into the other's weights and bias.
"""
from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmengine.model import ImgDataPreprocessor
from torch import Tensor, nn

from ..environment import has_mmdet

MIDDLE = 128
"""The pixel that becomes the integer 0."""

PROJECTIONS = ('projection', 'proj')
"""Convolution of a patch embedding: mmdet's name and timm's."""

PREPROCESSORS = [ImgDataPreprocessor]
"""Those that are known to do nothing but what ``Normalization`` says."""

if has_mmdet():
    from mmdet.models.data_preprocessors import DetDataPreprocessor
    PREPROCESSORS.append(DetDataPreprocessor)


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
        """The normalization of a data preprocessor.

        Args:
            preprocessor (nn.Module): One of ``PREPROCESSORS``.
            channels (int): C.

        Raises:
            TypeError: If it is another one.
        """
        if type(preprocessor) not in PREPROCESSORS:
            known = ' and '.join(kind.__name__ for kind in PREPROCESSORS)
            raise TypeError(
                f'the data_preprocessor is a {type(preprocessor).__name__}; '
                f'only {known} can be folded into weights')
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

    @torch.no_grad()
    def fold_into(self, conv: nn.Conv2d) -> None:
        """Have a convolution read pixels less their middle, where it read
        what they are normalized to; in place."""
        weight = conv.weight.double().cpu() / self.std.view(-1, 1, 1)
        shift = (weight * (MIDDLE - self.mean).view(-1, 1, 1)).sum((1, 2, 3))
        image_channels = [self.order.index(c) for c in range(len(self.mean))]
        conv.weight.copy_(weight[:, image_channels])
        if conv.bias is None:
            conv.bias = nn.Parameter(torch.zeros_like(conv.weight[:, 0, 0, 0]))
        conv.bias.add_(shift.to(conv.bias))


class AroundMiddle:
    """What comes before a patch embedding: whole patches of pixels less their
    middle, uint8 [B, C, H, W] to float32 [B, C, H', W'].

    Args:
        normalization (Normalization): Of images that are padded with zeros.
        patch (int): Patch side.

    Attributes:
        pad_pixel (list[int]): What they are padded with, by channel.
    """

    def __init__(self, normalization: Normalization, patch: int):
        self.normalization, self.patch = normalization, patch
        self.pad_pixel = normalization.pixel(0.)

    def __call__(self, image: Tensor) -> Tensor:
        pad = torch.tensor(self.pad_pixel, device=image.device).view(-1, 1, 1)
        height, width = image.shape[-2:]
        around_pad = F.pad(image.float() - pad, (0, -width % self.patch, 0,
                                                 -height % self.patch))
        return around_pad + (pad - MIDDLE)


def before_patches(embed: nn.Module) -> AroundMiddle | None:
    """What comes before a patch embedding; None where images are
    normalized."""
    return getattr(embed, 'around_middle', None)


def pad_pixel(embed: nn.Module) -> list[int] | None:
    """What images are padded with before a patch embedding, by channel; None
    where they are normalized."""
    before = before_patches(embed)
    return None if before is None else before.pad_pixel


def image_kind(embed: nn.Module) -> str:
    """What the integer network in the place of the float one takes:
    ``'uint8'`` or ``'normalized'`` images."""
    return 'normalized' if before_patches(embed) is None else 'uint8'


def from_pixels(network: nn.Module, preprocessor: nn.Module) -> nn.Module:
    """A float network with a normalization folded in: uint8 [B, C, H, W] in.

    Args:
        network (nn.Module): mmdet's Swin, or timm's ViT, DeiT or Swin. Takes
            normalized images and stays as it is.
        preprocessor (nn.Module): What normalizes them.

    Returns:
        nn.Module: Of the same type.

    Raises:
        TypeError: If the network has no patch embedding that is known, or the
            preprocessor is not known.
    """
    if _projection(getattr(network, 'patch_embed', None)) is None:
        raise TypeError(f'{type(network).__name__} has no patch embedding '
                        f'that the normalization could be folded into')
    tensors = (*network.parameters(), *network.buffers())
    copy = deepcopy(network, {id(tensor): tensor for tensor in tensors})
    copy.patch_embed = embed = deepcopy(network.patch_embed)
    conv = _projection(embed)
    normalization = Normalization.of(preprocessor, conv.in_channels)
    normalization.fold_into(conv)
    embed.around_middle = before = AroundMiddle(normalization, conv.stride[0])
    embed.register_forward_pre_hook(lambda _, args: (before(*args), ))
    return copy


def _projection(embed: nn.Module | None) -> nn.Conv2d | None:
    found = (getattr(embed, name, None) for name in PROJECTIONS)
    return next((conv for conv in found if isinstance(conv, nn.Conv2d)), None)
