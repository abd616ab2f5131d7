"""RetinaNet from pixels to results, on integers."""
from collections.abc import Sequence

from torch import Tensor, nn

from .dense import IntDenseBoxes
from .results import Detections, Sizes, detections, limits_of
from .trunk import IntTrunk


class IntOneStage(nn.Module):
    """The program.

    Args:
        trunk (IntTrunk): Of the image.
        boxes (IntDenseBoxes): Of the pyramid.
    """

    integer_region = True

    def __init__(self, trunk: IntTrunk, boxes: IntDenseBoxes):
        super().__init__()
        self.trunk, self.boxes = trunk, boxes

    def forward(self, image: Tensor, sizes: Sequence[Sizes],
                rescale: bool) -> list[Detections]:
        """As :class:`IntRCNN`, without masks."""
        found = self.boxes(self.trunk(image), limits_of(sizes, image.device))
        return detections(found, [None] * len(found), sizes, rescale)
