"""What a detector may meet: nothing found, too much found, odd images."""
import copy

import pytest
import torch

from iptq_mm.guard import integer_only_regions
from iptq_mm.models.detectors.detectors import forget_program
from iptq_mm.models.detectors.program import Sizes

from detectors import SeededImages, hook_on
from rcnn import nano, runner_with_norms


@pytest.fixture(scope='module', params=['mask-rcnn', 'cascade-mask-rcnn'])
def detector(request):
    runner = runner_with_norms(nano(request.param))
    hook_on(SeededImages()).before_test(runner)
    return runner.model


def changed(detector, **rules):
    """The same detector by other rules: ``rpn__KEY``, ``rcnn__KEY``."""
    other = copy.deepcopy(detector)
    forget_program(other)
    for name, value in rules.items():
        stage, key = name.split('__')
        other.test_cfg[stage][key] = value
    return other


def image(height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, 3, height, width), generator=generator,
                         dtype=torch.uint8)


@torch.no_grad()
def found_in(detector, pixels, guarded=True):
    size = tuple(pixels.shape[2:])
    program = detector.integer_program()
    args = detector.backbone.quantize(pixels), [Sizes(size, size)], True
    found, = program(*args)
    if guarded:
        with integer_only_regions(program):
            again, = program(*args)
        assert all(map(torch.equal, found, again))
    return found


def check_shapes(found, height, width):
    count = len(found.boxes)
    assert found.boxes.shape == (count, 4)
    assert found.scores.shape == found.labels.shape == (count, )
    assert found.masks.shape == (count, 28, 28)
    assert (found.boxes >= 0).all()
    limit = torch.tensor([width, height, width, height]) * 256
    assert (found.boxes <= limit).all()
    assert (found.boxes[:, :2] <= found.boxes[:, 2:]).all()


def test_no_proposals(detector):
    empty = changed(detector, rpn__min_bbox_size=10**4)
    found = found_in(empty, image(64, 96))
    assert len(found.boxes) == 0
    check_shapes(found, 64, 96)


@pytest.mark.parametrize('threshold', [1., 2., 5.])
def test_no_detections(detector, threshold):
    found = found_in(changed(detector, rcnn__score_thr=threshold),
                     image(64, 96))
    assert len(found.boxes) == 0
    check_shapes(found, 64, 96)


def test_a_batch_of_which_one_image_has_none(detector):
    """Its size leaves no room for a box."""
    program = changed(detector, rpn__min_bbox_size=8).integer_program()
    pixels = detector.backbone.quantize(torch.cat([image(64, 96)] * 2))
    sizes = [Sizes((64, 96), (64, 96)), Sizes((4, 96), (4, 96))]
    some, none = program(pixels, sizes, True)
    assert len(some.boxes) and not len(none.boxes)
    check_shapes(none, 4, 96)
    alone, = program(pixels[:1], sizes[:1], True)
    assert all(map(torch.equal, some, alone))


def test_more_than_a_thousand_proposals(detector):
    many = changed(detector, rpn__nms_pre=3000, rpn__max_per_img=3000,
                   rpn__nms=dict(type='nms', iou_threshold=0.999),
                   rcnn__max_per_img=150)
    program = many.integer_program()
    pixels = image(128, 160)
    pyramid = program.trunk(many.backbone.quantize(pixels))
    limits = torch.tensor([[160, 128]], dtype=torch.int32) * 256
    proposals, = program.proposals(pyramid, limits)
    assert len(proposals) > 1000
    found = found_in(many, pixels, guarded=False)
    assert len(found.boxes) == 150
    check_shapes(found, 128, 160)


def test_all_are_wanted(detector):
    """mmdet writes -1."""
    every = changed(detector, rpn__nms_pre=-1, rpn__max_per_img=-1,
                    rcnn__max_per_img=-1)
    assert len(found_in(every, image(32, 32)).boxes) > 5


@pytest.mark.parametrize('height, width', [(1, 1), (3, 50), (13, 7)])
def test_an_image_smaller_than_a_window(detector, height, width):
    check_shapes(found_in(detector, image(height, width)), height, width)


@pytest.mark.parametrize('height, width', [(4000, 40), (40, 4000)])
def test_four_thousand_pixels(detector, height, width):
    found = found_in(detector, image(height, width), guarded=False)
    check_shapes(found, height, width)


@pytest.mark.parametrize('pixel', [0, 128, 255])
def test_one_colour(detector, pixel):
    pixels = torch.full((1, 3, 64, 96), pixel, dtype=torch.uint8)
    check_shapes(found_in(detector, pixels), 64, 96)
