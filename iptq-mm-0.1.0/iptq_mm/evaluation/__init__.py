"""What an evaluation measures, beside COCO's mAP."""
from ..environment import has_mmdet
from .accuracy import TopAccuracy

__all__ = ['TopAccuracy']

if has_mmdet():
    from .run_length_metric import RunLengthCocoMetric  # noqa: F401
    __all__ += ['RunLengthCocoMetric']
