"""Whole integer models, registered in ``MODELS``."""
from .block import IntBlock
from .classifiers.classifier import TimmClassifier
from .classifiers.dinov2 import focus_dinov2
from .classifiers.resnet9 import ResNet9
from .classifiers.swin import IntSwinClassifier
from .classifiers.vit import IntVisionTransformer
from .detectors.bbox_head import IntConvFCBBoxHead
from .detectors.detectors import IntSingleStageDetector, IntTwoStageDetector
from .detectors.fpn import IntFPN
from .detectors.mask_head import IntFCNMaskHead
from .detectors.pixel_preprocessor import PixelDataPreprocessor
from .detectors.retina_head import IntRetinaHead
from .detectors.rpn_head import IntRPNHead
from .detectors.swin_backbone import IntSwinTransformer
from .swin import IntSwin, IntSwinStage

__all__ = [
    'IntBlock', 'IntConvFCBBoxHead', 'IntFCNMaskHead', 'IntFPN',
    'IntRPNHead', 'IntRetinaHead', 'IntSingleStageDetector', 'IntSwin',
    'IntSwinClassifier', 'IntSwinStage', 'IntSwinTransformer',
    'IntTwoStageDetector', 'IntVisionTransformer', 'PixelDataPreprocessor',
    'ResNet9', 'TimmClassifier', 'focus_dinov2'
]
