"""Whole integer models, registered in ``MODELS``."""
from .swin import IntSwin, IntSwinBlock, IntSwinStage
from .swin_backbone import IntSwinTransformer

__all__ = ['IntSwin', 'IntSwinBlock', 'IntSwinStage', 'IntSwinTransformer']
