import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import BaseDataElement, InstanceData

from iptq_mm.engine.report.changed import change


def seen(boxes, labels=None, scores=None):
    boxes = torch.tensor(boxes, dtype=torch.float32).view(-1, 4)
    count = len(boxes)
    return DetDataSample(pred_instances=InstanceData(
        bboxes=boxes,
        labels=torch.tensor(labels or [0] * count),
        scores=torch.tensor(scores or [.9] * count)))


BOX, OTHER = [0, 0, 10, 10], [50, 50, 60, 60]


@pytest.mark.parametrize('before, after, expected', [
    (seen([BOX, OTHER]), seen([OTHER, BOX]), 0),
    (seen([BOX]), seen([[0, 0, 10, 8]]), .2),
    (seen([BOX, OTHER]), seen([BOX]), .5),
    (seen([BOX]), seen([BOX], labels=[1]), 1),
    (seen([BOX]), seen([BOX, BOX]), .5),  # nothing has two partners
    (seen([BOX]), seen([[0, 0, 10, 4]]), 1),  # another thing
    (seen([]), seen([]), 0),
    (seen([]), seen([BOX], scores=[.1]), 0),  # of nothing sure
])
def test_change_of_detections(before, after, expected):
    assert change(before, after) == pytest.approx(expected)


def test_change_of_classes_is_the_probability_that_moved():
    before = BaseDataElement(pred_score=torch.tensor([.7, .2, .1]))
    after = BaseDataElement(pred_score=torch.tensor([.5, .2, .3]))
    assert change(before, after) == pytest.approx(.2)
