"""Whole integer models, registered in ``MODELS``."""
from ..environment import has_mmdet
from .block import IntBlock
from .classifiers.classifier import TimmClassifier
from .classifiers.dinov2 import focus_dinov2
from .classifiers.pixel_preprocessor import ImgPixelDataPreprocessor
from .classifiers.resnet9 import ResNet9
from .classifiers.swin import IntSwinClassifier
from .classifiers.vit import IntVisionTransformer
from .detectors.swin_backbone import IntSwinTransformer
from .swin import IntSwin, IntSwinStage

if has_mmdet():
    from .detectors import (  # noqa: F401
        bbox_head,
        detectors,
        fpn,
        mask_head,
        pixel_preprocessor,
        retina_head,
        rpn_head,
    )

__all__ = [
    'ImgPixelDataPreprocessor', 'IntBlock', 'IntSwin', 'IntSwinClassifier',
    'IntSwinStage', 'IntSwinTransformer', 'IntVisionTransformer', 'ResNet9',
    'TimmClassifier', 'focus_dinov2'
]
