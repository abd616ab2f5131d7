"""What an evaluation measures, beside COCO's mAP."""
from .accuracy import TopAccuracy
from .run_length_metric import RunLengthCocoMetric

__all__ = ['RunLengthCocoMetric', 'TopAccuracy']
