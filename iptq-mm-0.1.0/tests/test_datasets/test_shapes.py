import copy

import numpy as np
import pytest
from mmdet.evaluation import CocoMetric
from mmdet.registry import DATASETS
from pycocotools import mask as mask_utils

from iptq_mm.datasets import ShapesDataset
from iptq_mm.datasets.seeds import scene_key


@pytest.fixture(scope='module')
def val():
    return ShapesDataset(split='val', num_images=40, test_mode=True)


def test_mmdet_finds_it(val):
    built = DATASETS.build(
        dict(type='iptq_mm.ShapesDataset', split='val', num_images=2))
    assert np.array_equal(built.get_data_info(1)['img'],
                          val.get_data_info(1)['img'])


def test_the_same_seed_gives_the_same_images(val):
    again = ShapesDataset(split='val', num_images=40, test_mode=True)
    for index in (0, 17, 39):
        first, second = val.get_data_info(index), again.get_data_info(index)
        assert np.array_equal(first.pop('img'), second.pop('img'))
        assert first == second


def test_another_seed_gives_other_images(val):
    other = ShapesDataset(split='val', num_images=1, seed=1)
    assert not np.array_equal(
        other.get_data_info(0)['img'],
        val.get_data_info(0)['img'])


def test_the_splits_share_no_seed():
    keys = [{scene_key(seed, split, i)
             for seed in range(3) for i in range(2000)}
            for split in ('train', 'val')]
    assert all(len(split) == 6000 for split in keys)
    assert not keys[0] & keys[1]
    states = [{
        tuple(np.random.SeedSequence(key).generate_state(4))
        for key in split
    } for split in keys]
    assert not states[0] & states[1]


def test_the_splits_share_no_image(val):
    train = ShapesDataset(split='train', num_images=40)
    images = [{
        split.get_data_info(i)['img'].tobytes()
        for i in range(40)
    } for split in (train, val)]
    assert not images[0] & images[1]


def test_every_class_occurs(val):
    labels = [label for i in range(len(val)) for label in val.get_cat_ids(i)]
    counts = np.bincount(labels, minlength=len(val.metainfo['classes']))
    assert len(counts) == len(val.metainfo['classes']) >= 6
    assert len(val.metainfo['palette']) == len(counts)
    assert (counts >= 10).all()


def test_masks_match_boxes_and_do_not_overlap(val):
    for index in range(len(val)):
        info = val.get_data_info(index)
        total = np.zeros((info['height'], info['width']), np.int64)
        for instance in info['instances']:
            mask = mask_utils.decode(instance['mask'])
            left, top, right, bottom = map(int, instance['bbox'])
            assert mask.sum() == mask[top:bottom, left:right].sum() > 0
            for edge in (mask[top], mask[bottom - 1], mask[:, left],
                         mask[:, right - 1]):
                assert edge.any()
            total += mask
        assert total.max() == 1


def test_an_image_is_painted(val):
    image = val.get_data_info(0)['img']
    assert image.shape == (192, 192, 3)
    assert image.dtype == np.uint8
    assert image.reshape(-1, 3).std(0).min() > 5


@pytest.mark.parametrize('wrong, message', [
    (dict(split='test'), 'none of train, val'),
    (dict(num_images=0), 'at least 1'),
    (dict(seed=-1), r'\[0, 2\^32\)'),
    (dict(side=8), '64 or more'),
])
def test_bad_arguments_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        ShapesDataset(**{**dict(split='val', num_images=1), **wrong})


def perfect(info):
    """What a detector that makes no mistake gives to CocoMetric."""
    instances = info['instances']
    masks = [mask_utils.decode(instance['mask']) for instance in instances]
    return dict(
        bboxes=np.array([instance['bbox'] for instance in instances]),
        scores=np.ones(len(instances)),
        labels=np.array([instance['bbox_label'] for instance in instances]),
        masks=[
            mask_utils.encode(np.asfortranarray(mask)) for mask in masks
        ])


class _Array:
    """Gives what CocoMetric asks of a tensor."""

    def __init__(self, array):
        self.array = array

    def cpu(self):
        return self

    def numpy(self):
        return self.array


def score(dataset, change):
    metric = CocoMetric(metric=['bbox', 'segm'])
    metric.dataset_meta = dataset.metainfo
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        predicted = change(perfect(copy.deepcopy(info)))
        for key in ('bboxes', 'scores', 'labels'):
            predicted[key] = _Array(predicted[key])
        metric.process({}, [
            dict(
                pred_instances=predicted,
                img_id=info['img_id'],
                ori_shape=info['img'].shape[:2],
                instances=info['instances'])
        ])
    return metric.evaluate(len(dataset))


def test_coco_metric_scores_perfect_predictions_one(val):
    result = score(val, lambda predicted: predicted)
    assert result['coco/bbox_mAP'] == 1.0
    assert result['coco/segm_mAP'] == 1.0


def test_coco_metric_scores_wrong_labels_low(val):

    def mislabel(predicted):
        predicted['labels'] = (predicted['labels'] + 1) % 7
        return predicted

    assert score(val, mislabel)['coco/segm_mAP'] < 0.1
