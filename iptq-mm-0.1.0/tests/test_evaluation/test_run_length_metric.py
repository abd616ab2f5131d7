"""COCO's metric on run lengths: the figures and masks of mmdet's own."""
import copy

import pytest
import torch
from mmdet.evaluation.metrics import CocoMetric
from mmdet.registry import METRICS
from pycocotools import mask as coco

from iptq_mm.compat import zip_strict
from iptq_mm.evaluation import RunLengthCocoMetric


def test_it_is_found_from_a_config():
    assert METRICS.get('iptq_mm.RunLengthCocoMetric') is RunLengthCocoMetric


@pytest.mark.parametrize('masked', [True, False])
def test_results_are_mmdets(masked):
    generator = torch.Generator().manual_seed(0)
    boxes = torch.tensor([[3.2, 4.9, 30., 20.5], [0., 0., 60., 40.],
                          [55.5, 2., 60., 9.], [7., 7., 7., 12.]])
    masks = torch.zeros(4, 40, 60, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.int().tolist()):
        inside = mask[y1:y2, x1:x2]
        inside[:] = torch.rand(inside.shape, generator=generator) > 0.4
    found = dict(bboxes=boxes, scores=torch.tensor([.9, .8, .7, .6]),
                 labels=torch.tensor([0, 1, 0, 1]))
    if masked:
        found['masks'] = masks
    sample = dict(img_id=7, ori_shape=(40, 60), instances=[],
                  pred_instances=found)
    results = []
    for metric in (CocoMetric(), RunLengthCocoMetric()):
        metric.process({}, [copy.deepcopy(sample)])
        (_, result), = metric.results
        results.append(result)
    theirs, ours = results
    assert theirs.keys() == ours.keys()
    for mask, other in zip_strict(
            theirs.get('masks', []), ours.get('masks', [])):
        assert mask == other
        assert coco.area(mask) == coco.area(other)
