from types import SimpleNamespace

import pytest
from mmdet.evaluation import CocoMetric

from iptq_mm.engine.errors import UserError
from iptq_mm.engine.inputs.options import PTQOptions
from iptq_mm.experiments.analysis.sensitivity import (
    Sensitivity,
    _limit_ground_truth,
    _scores,
)


class Dataset(list):

    def get_data_info(self, index):
        return dict(img_id=self[index])


def test_only_the_images_that_are_tested_count():
    metric = CocoMetric()
    _limit_ground_truth(
        SimpleNamespace(
            test_dataloader=SimpleNamespace(dataset=Dataset([7, 3])),
            test_evaluator=SimpleNamespace(metrics=[metric])))
    assert metric.img_ids == [7, 3]


def test_scores_are_the_main_ones():
    assert _scores({'coco/bbox_mAP': .5, 'coco/bbox_mAP_50': .8}) == {
        'coco/bbox_mAP': .5
    }
    with pytest.raises(UserError, match='it gives: loss'):
        _scores(dict(loss=1.))


def test_no_images_are_refused_before_any_work():
    with pytest.raises(UserError, match='--num-images 0'):
        Sensitivity(PTQOptions('gone.py'), 0)
