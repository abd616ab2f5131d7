"""Lowering: float module + observed ranges + assignment -> integers."""
from .detectors.conv_head import ConvHeadLowering
from .detectors.fpn import FPNLowering
from .equalization.attention import equalized_attention
from .equalization.centre import centred, offsets
from .equalization.channel_order import ordered_by_reach
from .equalization.channels import equalized
from .lowering import Lowering, lowering_of
from .readers import mmdet_swin, pixel_swin, timm_swin, timm_vit
from .rounding import clipping, gptq
from .rounding.rounding import ROUNDINGS
from .transformer.compensation import Compensated
from .transformer.lowering import TransformerLowering
from .watchable import watchable

__all__ = [
    'ROUNDINGS', 'Compensated', 'ConvHeadLowering', 'FPNLowering', 'Lowering',
    'TransformerLowering', 'centred', 'clipping', 'equalized',
    'equalized_attention', 'gptq', 'lowering_of', 'mmdet_swin', 'offsets',
    'ordered_by_reach', 'pixel_swin', 'timm_swin', 'timm_vit', 'watchable'
]
