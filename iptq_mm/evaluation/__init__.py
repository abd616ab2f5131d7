"""What an evaluation measures, beside COCO's mAP."""
from .accuracy import TopAccuracy

__all__ = ['TopAccuracy']
