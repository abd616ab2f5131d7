"""A model that takes the pixels of its images themselves."""
from __future__ import annotations

from typing import Any

from mmengine.model import BaseModel
from torch import nn

from ...environment import is_detector
from ...lowering.pixels import before_patches, from_pixels
from ..errors import UserError


def pixels_in(model: BaseModel) -> tuple[nn.Module, dict[str, Any]]:
    """The float backbone of a model with the normalization of its data
    preprocessor folded in, and the config of the data preprocessor that it
    needs instead.

    Raises:
        UserError: If that cannot be done.
    """
    own = model.data_preprocessor
    try:
        backbone = from_pixels(model.backbone, own)
    except TypeError as error:
        raise UserError(f"input='uint8': {error}. Use "
                        f"input='normalized'.") from error
    normalization = before_patches(backbone.patch_embed).normalization
    if not is_detector(model):
        return backbone, dict(type='iptq_mm.ImgPixelDataPreprocessor')
    return backbone, dict(
        type='iptq_mm.PixelDataPreprocessor',
        pad_pixel=normalization.pixel(own.pad_value),
        pad_size_divisor=own.pad_size_divisor,
        boxtype2tensor=own.boxtype2tensor)
