"""Lowering: float module + observed ranges + assignment -> integers."""
from ..environment import has_mmdet
from .equalization.attention import equalized_attention
from .equalization.centre import centred, offsets
from .equalization.channel_order import ordered_by_reach
from .equalization.channels import equalized
from .lowering import Lowering, lowering_of
from .readers import timm_swin, timm_vit
from .rounding import clipping, gptq
from .rounding.rounding import ROUNDINGS
from .transformer.compensation import Compensated
from .transformer.lowering import TransformerLowering
from .watchable import watchable

if has_mmdet():
    from .detectors import conv_head, fpn  # noqa: F401
    from .readers import mmdet_swin  # noqa: F401

__all__ = [
    'ROUNDINGS', 'Compensated', 'Lowering', 'TransformerLowering', 'centred',
    'clipping', 'equalized', 'equalized_attention', 'gptq', 'lowering_of',
    'offsets', 'ordered_by_reach', 'timm_swin', 'timm_vit', 'watchable'
]
