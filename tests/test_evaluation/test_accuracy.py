import pytest
import torch

from iptq_mm.evaluation import TopAccuracy
from iptq_mm.registry import METRICS


def accuracy(scores, labels, **config):
    metric = METRICS.build(dict(type='iptq_mm.TopAccuracy', **config))
    metric.process({}, [
        dict(pred_score=torch.tensor(score), gt_label=label)
        for score, label in zip(scores, labels)
    ])
    return metric.evaluate(len(labels))


def test_percentages():
    scores = [[.1, .2, .3, .4], [.4, .3, .2, .1], [.1, .4, .3, .2]]
    assert accuracy(scores, [3, 1, 0], topk=(1, 2)) == {
        'top1': pytest.approx(100 / 3), 'top2': pytest.approx(200 / 3)
    }


def test_few_classes_have_all_of_them_in_five():
    assert accuracy([[.5, .5]], [0])['top5'] == 100


def test_equal_scores_are_no_hit_for_everyone():
    scores = [[.25] * 4] * 4
    assert accuracy(scores, [0, 1, 2, 3], topk=(1, 2)) == dict(
        top1=25, top2=50)


def test_keys_have_no_prefix():
    assert set(accuracy([[1., 0.]], [0])) == {'top1', 'top5'}
    assert TopAccuracy().prefix in ('', None)


def test_single_classes():
    scores = [[.9, .1], [.2, .8], [.6, .4]]
    found = accuracy(scores, [0, 1, 1], classwise=True)
    assert found['0_recall'] == 100 and found['1_recall'] == 50
    metric = TopAccuracy(topk=(1, ), classwise=True)
    metric.dataset_meta = dict(classes=('cat', 'dog'))
    metric.process({}, [dict(pred_score=torch.tensor([.9, .1]), gt_label=0)])
    assert metric.evaluate(1) == dict(top1=100, cat_recall=100)
