"""A two-stage detector as one integer program: pixels in, boxes, scores,
labels and masks out, no float and no change of layout in between."""
from .adapter import instances
from .boxes import BoxRules, IntBoxes, IntBoxStage
from .features import IntFeatures
from .masks import IntMasks, IntMaskStage
from .proposals import IntProposals, ProposalRules
from .rcnn import Detections, IntRCNN, Sizes

__all__ = [
    'BoxRules', 'Detections', 'IntBoxStage', 'IntBoxes', 'IntFeatures',
    'IntMaskStage', 'IntMasks', 'IntProposals', 'IntRCNN', 'ProposalRules',
    'Sizes', 'instances'
]
