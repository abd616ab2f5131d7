"""Lowering: float module + observed ranges + assignment -> integers."""
from .block import above_tail
from .detectors.conv_head import ConvHeadLowering
from .detectors.fpn import FPNLowering
from .equalization.attention import equalized_attention
from .equalization.channels import equalized
from .equalization.outlier_channels import outliers_last
from .lowering import Lowering, lowering_of
from .pixel_swin import PixelSwinLowering
from .rounding import clipping, gptq
from .rounding.rounding import ROUNDINGS
from .swin import SwinLowering
from .timm_swin import TimmSwinLowering
from .vit import VitLowering
from .watchable import watchable

__all__ = [
    'ROUNDINGS', 'ConvHeadLowering', 'FPNLowering', 'Lowering',
    'PixelSwinLowering', 'SwinLowering', 'TimmSwinLowering', 'VitLowering',
    'above_tail', 'clipping', 'equalized', 'equalized_attention', 'gptq',
    'lowering_of', 'outliers_last', 'watchable'
]
