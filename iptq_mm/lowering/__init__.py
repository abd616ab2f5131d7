"""Lowering: float module + observed ranges + assignment -> integers."""
from . import clipping, gptq  # registers roundings
from .attention_equalization import equalized_attention
from .block import above_tail
from .conv_head import ConvHeadLowering
from .equalization import equalized
from .fpn import FPNLowering
from .lowering import Lowering, lowering_of
from .outlier_channels import outliers_last
from .pixel_swin import PixelSwinLowering
from .rounding import ROUNDINGS
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
