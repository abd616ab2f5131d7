"""Whole integer models, registered in ``MODELS``."""
from .bbox_head import IntConvFCBBoxHead
from .block import IntBlock
from .classifier import TimmClassifier
from .dinov2 import focus_dinov2
from .fpn import IntFPN
from .mask_head import IntFCNMaskHead
from .pixel_preprocessor import PixelDataPreprocessor
from .resnet9 import ResNet9
from .rpn_head import IntRPNHead
from .swin import IntSwin, IntSwinStage
from .swin_backbone import IntSwinTransformer
from .swin_classifier import IntSwinClassifier
from .vit import IntVisionTransformer

__all__ = [
    'IntBlock', 'IntConvFCBBoxHead', 'IntFCNMaskHead', 'IntFPN',
    'IntRPNHead', 'IntSwin', 'IntSwinClassifier', 'IntSwinStage',
    'IntSwinTransformer', 'IntVisionTransformer', 'PixelDataPreprocessor',
    'ResNet9', 'TimmClassifier', 'focus_dinov2'
]
