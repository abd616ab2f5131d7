"""A two-stage detector as one integer program: pixels in, boxes, scores,
labels and masks out, no float and no change of layout in between."""
from .adapter import instances
from .assemble import assemble, score_scale
from .boxes import (
    SCORES,
    SOFTMAX_BITS,
    BoxRules,
    IntBoxes,
    IntBoxStage,
    ScoreSoftmax,
)
from .features import IntFeatures
from .masks import IntMasks, IntMaskStage
from .proposals import IntProposals, ProposalRules
from .rcnn import Detections, IntRCNN, Sizes
from .steps import FAMILY, check_steps

__all__ = [
    'FAMILY', 'SCORES', 'SOFTMAX_BITS', 'BoxRules', 'Detections',
    'IntBoxStage', 'IntBoxes', 'IntFeatures', 'IntMaskStage', 'IntMasks',
    'IntProposals', 'IntRCNN', 'ProposalRules', 'ScoreSoftmax', 'Sizes',
    'assemble', 'check_steps', 'instances', 'score_scale'
]
