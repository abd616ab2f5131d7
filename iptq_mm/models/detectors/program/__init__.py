"""A detector as one integer program: pixels in, boxes, scores, labels and
masks out, no float and no change of layout in between."""
from .adapter import instances, run_length_masks
from .assemble import assemble_one_stage, assemble_rcnn, score_scale
from .one_stage import IntOneStage
from .rcnn import IntRCNN
from .results import Detections, Sizes
from .scores import SCORES, SOFTMAX_BITS, ScoreSoftmax
from .steps import FAMILY, check_steps

__all__ = [
    'FAMILY', 'SCORES', 'SOFTMAX_BITS', 'Detections', 'IntOneStage',
    'IntRCNN', 'ScoreSoftmax', 'Sizes', 'assemble_one_stage', 'assemble_rcnn',
    'check_steps', 'instances', 'run_length_masks', 'score_scale'
]
