"""Lowering: float module + observed ranges + assignment -> integers."""
from .lowering import Lowering, lowering_of
from .swin import SwinLowering

__all__ = ['Lowering', 'SwinLowering', 'lowering_of']
