"""Masks on integers, beside mmdet's on floats."""
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from pycocotools import mask as coco

from iptq_mm.compat import zip_strict
from iptq_mm.ops.detection.masks import (
    PROBABILITY_BITS,
    axis_places,
    mask_windows,
    paste_masks,
    run_lengths,
)

from test_ops.test_detection.test_boxes import UNIT, some_boxes

SCALE = 0.05
HALF = 1 << (PROBABILITY_BITS - 1)
TABLE = (torch.sigmoid(torch.arange(-128, 128) * SCALE).double() *
         2**PROBABILITY_BITS).round().short()


def logits(count, side=28, seed=0):
    """Smooth ones, as a network gives."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 1, 5, 5, generator=generator) * 80
    fine = torch.nn.functional.interpolate(coarse, (side, side),
                                           mode='bilinear')
    return fine[:, 0].round().clamp(-127, 127).to(torch.int8)


def pasted(some, boxes, height, width):
    return paste_masks(TABLE[some.long() + 128], boxes,
                       torch.tensor([height, width]), HALF)


def test_masks_are_mmdets_but_for_pixels_on_the_edge():
    height, width = 90, 120
    some, boxes = logits(40), some_boxes(40, 90)
    boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) > UNIT).all(1)]
    some = some[:len(boxes)]
    ours = pasted(some, boxes, height, width)
    probabilities, _ = _do_paste_mask(
        torch.sigmoid(some[:, None].float() * SCALE),
        boxes.float() / UNIT, height, width, skip_empty=False)
    theirs = probabilities >= 0.5
    sure = (probabilities - 0.5).abs() > 2e-3
    assert torch.equal(ours[sure], theirs[sure])
    assert theirs.any() and sure.double().mean() > 0.99


def test_windows_are_mmdets():
    boxes = torch.tensor([[1.2, 3.9, 7.0, 8.1], [-5, -5, 3, 3],
                          [100, 100, 300, 300], [50, 50, 60, 60],
                          [9, 9, 9, 12]])
    windows = mask_windows((boxes * UNIT).round().int(), 40, 120)
    assert windows.tolist() == [[0, 2, 8, 10], [0, 0, 4, 4],
                                [99, 40, 120, 40], [49, 40, 61, 40],
                                [8, 8, 8, 8]]


def test_one_box_that_covers_the_image():
    some = torch.full((1, 28, 28), 127, dtype=torch.int8)
    boxes = torch.tensor([[0, 0, 50, 40]]).int() * UNIT
    mask, = pasted(some, boxes, 40, 50)
    assert mask.shape == (40, 50) and mask.all()


def test_no_box_and_boxes_without_area():
    assert pasted(logits(0), torch.zeros(0, 4).int(), 9, 8).shape == (0, 9, 8)
    boxes = torch.tensor([[3, 3, 3, 8]]).int() * UNIT
    mask, = pasted(logits(1), boxes, 9, 9)
    assert not mask.any()


@pytest.mark.parametrize('seed', range(4))
def test_windows_hold_all_pixels(seed):
    boxes = some_boxes(20, 60, seed)
    some = torch.full((20, 28, 28), 127, dtype=torch.int8)
    for mask, (left, top, right, bottom) in zip_strict(
            pasted(some, boxes, 50, 70),
            mask_windows(boxes, 50, 70).tolist()):
        assert mask.sum() == mask[top:bottom, left:right].sum()


@pytest.mark.parametrize('seed', range(4))
def test_run_lengths_are_cocos(seed):
    height, width = 40, 60
    some, boxes = logits(10, seed=seed), some_boxes(10, 40, seed)
    masks = pasted(some, boxes, height, width)
    windows = mask_windows(boxes, height, width)
    for image, (left, top, right, bottom) in zip_strict(
            masks, windows.tolist()):
        runs = run_lengths(image[top:bottom, left:right], left, top, height)
        rest = height * width - sum(runs)
        ours = coco.frPyObjects(
            dict(size=[height, width], counts=runs + [rest]), height, width)
        theirs = coco.encode(np.asfortranarray(image.numpy()))
        assert np.array_equal(coco.decode(ours), coco.decode(theirs))


@settings(max_examples=200)
@given(st.integers(-2**22, 2**22 - 1), st.integers(1, 2**23),
       st.integers(1, 112))
@example(-2**22, 2**23, 112)
@example(2**22 - 1, 1, 28)
def test_places_are_exact_to_a_bit(start, size, cells):
    end = min(start + size, 2**22)
    first = start // UNIT - 1
    low, weight = axis_places(
        torch.tensor(start), torch.tensor(end),
        torch.arange(first, first + 4), cells)
    for pixel, place in zip_strict(
            range(first, first + 4), (low * 2048 + weight).tolist()):
        exact = ((pixel + 0.5) * UNIT - start) / (end - start) * cells - 0.5
        assert abs(place / 2048 - exact) <= 0.5 / 2048 + 1e-9 * abs(exact)
    assert (weight >= 0).all() and (weight < 2048).all()
