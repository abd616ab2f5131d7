"""A detector as one integer program: pixels in, boxes, scores, labels and
masks out, no float and no change of layout in between."""
from .adapter import instances, run_length_masks
from .one_stage import IntOneStage
from .rcnn import IntRCNN
from .results import Detections, Sizes
from .scores import SCORES, SOFTMAX_BITS, ScoreSoftmax

__all__ = [
    'SCORES', 'SOFTMAX_BITS', 'Detections', 'IntOneStage', 'IntRCNN',
    'ScoreSoftmax', 'Sizes', 'instances', 'run_length_masks'
]
