"""A detector that takes the pixels of its images themselves."""
from typing import Any

from mmdet.models.backbones.swin import SwinTransformer
from mmengine.model import BaseModel

from ...lowering.readers.pixel_swin import Normalization, PixelSwin
from ..errors import UserError


def pixels_in(model: BaseModel) -> tuple[PixelSwin, dict[str, Any]]:
    """The float backbone of a detector with the normalization of its data
    preprocessor folded in, and the config of the data preprocessor that it
    needs instead.

    Raises:
        UserError: If that cannot be done.
    """
    backbone, own = model.backbone, model.data_preprocessor
    if not isinstance(backbone, SwinTransformer):
        raise UserError(f"input='uint8' is for mmdet's SwinTransformer, not "
                        f"for {type(backbone).__name__}. Use "
                        f"input='normalized'.")
    channels = backbone.patch_embed.projection.in_channels
    try:
        normalization = Normalization.of(own, channels)
    except TypeError as error:
        raise UserError(f"input='uint8': {error}. Use "
                        f"input='normalized'.") from error
    return PixelSwin(backbone, normalization), dict(
        type='iptq_mm.PixelDataPreprocessor',
        pad_pixel=normalization.pixel(own.pad_value),
        pad_size_divisor=own.pad_size_divisor,
        boxtype2tensor=own.boxtype2tensor)
