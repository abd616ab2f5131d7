"""RetinaNet as one integer program, beside mmdet's steps on floats."""
import copy

import pytest
import torch
from mmdet.models.detectors import SingleStageDetector
from torchvision.ops import box_iou

from iptq_mm.compat import zip_strict
from iptq_mm.models.detectors.detectors import forget_program
from iptq_mm.models.detectors.program import SCORES, Sizes

from detectors import SeededImages, batches, hook_on
from rcnn import nano_retinanet, runner_with_norms

IMAGES = SeededImages((96, 128), 2)


@pytest.fixture(scope='module', params=[False, 'on_input', 'on_lateral'])
def detector(request):
    """Integer, with scores and boxes that differ."""
    config = nano_retinanet(add_extra_convs=request.param)
    config.test_cfg.update(score_thr=0.05, max_per_img=100)
    runner = runner_with_norms(config)
    head = runner.model.bbox_head
    for conv, std in ((head.retina_cls, 1.), (head.retina_reg, 0.3)):
        torch.nn.init.normal_(conv.weight, std=std)
    torch.nn.init.constant_(head.retina_cls.bias, -2.)
    hook = hook_on(IMAGES, assignment={SCORES: 'table_softmax'})
    hook.before_test(runner)
    return runner.model


def prepared(model, data):
    batch = model.data_preprocessor(copy.deepcopy(data), False)
    sizes = [Sizes(tuple(sample.img_shape[:2]), tuple(sample.ori_shape[:2]))
             for sample in batch['data_samples']]
    return batch, sizes


@torch.no_grad()
def test_it_finds_what_mmdet_makes_of_the_same_head(detector):
    for data in batches(IMAGES):
        ours = detector.test_step(copy.deepcopy(data))[0].pred_instances
        batch, _ = prepared(detector, data)
        sample, = SingleStageDetector.predict(
            detector, batch['inputs'], batch['data_samples'])
        theirs = sample.pred_instances
        assert len(ours) == len(theirs) == 100
        overlap = box_iou(theirs.bboxes, ours.bboxes)
        alike = overlap * (theirs.labels[:, None] == ours.labels)
        best, match = alike.max(1)
        # What was suppressed by a hair, or was 101st, may differ.
        assert (best > 0.98).float().mean() > 0.95
        both = best > 0.98
        change = ours.scores[match[both]] - theirs.scores[both]
        assert (change.abs() < 1e-3).float().mean() > 0.95


@torch.no_grad()
def test_scores_are_above_the_threshold_and_fall(detector):
    ours = detector.test_step(next(batches(IMAGES)))[0].pred_instances
    assert ours.scores.min() > 0.05
    assert (ours.scores.diff() <= 0).all()


@torch.no_grad()
def test_an_image_of_a_batch_is_what_it_is_alone(detector):
    program = detector.integer_program()
    images, sizes = zip_strict(*(
        (detector.backbone.quantize(batch['inputs']), size)
        for batch, size in (prepared(detector, data)
                            for data in batches(IMAGES))))
    sizes = [Sizes((90, 100), (180, 200)), sizes[1][0]]
    both = program(torch.cat(images), sizes, True)
    for image, size, one in zip_strict(images, sizes, both):
        alone, = program(image, [size], True)
        assert all(torch.equal(a, b) for a, b in zip(one[:3], alone[:3]))


@torch.no_grad()
def test_nothing_above_the_threshold(detector):
    """As at an RPN of which nothing is left: shapes without detections."""
    strict = copy.deepcopy(detector)
    forget_program(strict)
    strict.test_cfg.score_thr = 1.
    found = strict.test_step(next(batches(IMAGES)))[0].pred_instances
    assert found.bboxes.shape == (0, 4) and found.scores.shape == (0, )
    assert len(found.labels) == 0
