"""A detector as one integer program: pixels in, boxes, scores, labels and
masks out, no float and no change of layout in between."""
from .adapter import instances, least_probability, run_length_masks
from .one_stage import IntOneStage
from .rcnn import IntRCNN
from .results import Detections, Sizes
from .scores import SCORE_BITS, SCORES, SOFTMAX_BITS, ScoreSoftmax

__all__ = [
    'SCORES', 'SCORE_BITS', 'SOFTMAX_BITS', 'Detections', 'IntOneStage',
    'IntRCNN', 'ScoreSoftmax', 'Sizes', 'instances', 'least_probability',
    'run_length_masks'
]
