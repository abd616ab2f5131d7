"""Boxes in fixed point, beside mmdet's and mmcv's in floats."""
import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mmcv.ops import batched_nms
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder

from iptq_mm.arithmetic import dyadic
from iptq_mm.ops.detection.boxes import (
    DELTA_BITS,
    box_levels,
    decode_boxes,
    exp2,
    level_areas,
    nms,
    rank,
)

UNIT = 256


def some_boxes(count, side=1333, seed=0):
    """int32 [count, 4], whole coordinates."""
    generator = torch.Generator().manual_seed(seed)
    start = torch.randint(0, side * UNIT, (count, 2), generator=generator)
    size = (torch.rand(count, 2, generator=generator).pow(3) *
            (side * UNIT - start)).long()
    return torch.cat([start, start + size], 1).int()


@settings(max_examples=300)
@given(st.integers(-2**31, 2**28))
@example(0)
@example(-1)
@example(2**24 - 1)
@example(-2**31)
def test_exp2_is_a_chord_above_the_power(x):
    mantissa, exponent = exp2(torch.tensor([x]))
    assert 2**24 <= int(mantissa) <= 2**25
    value = int(mantissa) * 2.0**(int(exponent) - 24)
    exact = 2.0**(x / 2**24)
    assert -2**-24 <= value / exact - 1 <= 1.6e-5


def test_levels_are_mmdets():
    areas = level_areas(4, 56)
    extractor = SingleRoIExtractor(
        dict(type='RoIAlign', output_size=7, sampling_ratio=0), 4,
        [4, 8, 16, 32])
    boxes = some_boxes(5000, 800)
    rois = torch.cat([torch.zeros(5000, 1), boxes / UNIT], 1).double()
    assert torch.equal(
        box_levels(boxes, areas), extractor.map_roi_levels(rois, 4))


@pytest.mark.parametrize('side, level', [
    (0, 0), (111 * UNIT, 0), (112 * UNIT, 1), (224 * UNIT, 2),
    (447 * UNIT, 2), (448 * UNIT, 3), (2**22, 3)])
def test_a_level_begins_at_its_area(side, level):
    box = torch.tensor([[5, 7, 5 + side, 7 + side]], dtype=torch.int32)
    assert box_levels(box, level_areas(4, 56)).tolist() == [level]


STDS = [(1., 1., 1., 1.), (.1, .1, .2, .2), (.033, .033, .067, .067)]


@pytest.mark.parametrize('stds', STDS)
@pytest.mark.parametrize('reach', [0.5, 4., 60.])
def test_decoding_is_mmdets(stds, reach):
    generator = torch.Generator().manual_seed(1)
    boxes = some_boxes(2000)
    scale = reach / 32767 / min(stds)
    deltas = torch.randint(-32767, 32768, (2000, 4), generator=generator)
    m, n = torch.tensor(
        [dyadic(scale * std * 2**DELTA_BITS) for std in stds]).T
    limits = torch.tensor([[1333 * UNIT, 800 * UNIT]]).expand(2000, 2).int()
    found = decode_boxes(boxes, deltas.short(), m, n, limits).double() / UNIT
    coder = DeltaXYWHBBoxCoder(target_stds=stds)
    expected = coder.decode(
        boxes.double() / UNIT, deltas.double() * scale, (800, 1333))
    # A unit of the coordinates, of the deltas, and the chords' error.
    size = (boxes[:, 2:] - boxes[:, :2]).double() / UNIT
    allowed = 2 / UNIT + size.repeat(1, 2) * (
        2.0**-DELTA_BITS * 64 + 2e-5 * 63)
    assert ((found - expected).abs() <= allowed).all()
    assert (found[:, 2:] >= found[:, :2]).all()


def test_mmdets_own_vectors():
    """Of mmdet's test of the coder, images of 32 x 32."""
    boxes = torch.tensor([[0, 0, 1, 1]] * 3 + [[5, 5, 5, 5]])
    deltas = torch.tensor([[0., 0, 0, 0], [1, 1, 1, 1], [0, 0, 2, -1],
                           [.7, -1.9, -.5, .3]])
    expected = torch.tensor([[0., 0, 1, 1], [.1409, .1409, 2.8591, 2.8591],
                             [0, .3161, 4.1945, .6839], [5, 5, 5, 5]])
    m, n = torch.tensor([dyadic(2**DELTA_BITS / 1000)] * 4).T
    found = decode_boxes(
        (boxes * UNIT).int(), (deltas * 1000).round().short(), m, n,
        torch.full((4, 2), 32 * UNIT).int())
    assert ((found / UNIT - expected).abs() <= 1.5 / UNIT).all()


@settings(max_examples=200)
@given(st.tuples(*[st.integers(-2**22, 2**22)] * 4),
       st.tuples(*[st.integers(-32767, 32767)] * 4),
       st.integers(0, 46))
@example((-2**22, -2**22, 2**22, 2**22), (32767, ) * 4, 0)
@example((-2**22, -2**22, 2**22, 2**22), (-32767, ) * 4, 0)
@example((2**22, 2**22, 2**22, 2**22), (32767, ) * 4, 46)
def test_any_box_stays_in_its_image(corners, deltas, n):
    x1, y1, x2, y2 = corners
    box = torch.tensor([[min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]])
    limits = torch.tensor([[8192 * UNIT, 17]]).int()
    found = decode_boxes(
        box.int(), torch.tensor([deltas]).short(),
        torch.full((4, ), 2**31 - 1), torch.full((4, ), n), limits)
    assert (found >= 0).all() and (found <= limits.repeat(1, 2)).all()
    assert (found[:, 2:] >= found[:, :2]).all()


def test_equal_scores_keep_their_order():
    scores = torch.tensor([3, 2, 3, 2, 1, 1], dtype=torch.int16)
    assert rank(scores, 2).tolist() == [0, 2]
    assert rank(scores, 9).tolist() == [0, 2, 1, 3, 4, 5]
    assert rank(torch.zeros(40, dtype=torch.int8), 40).tolist() == [
        *range(40)]
    assert rank(scores[:0], 5).tolist() == []


@pytest.mark.parametrize('seed', range(5))
def test_nms_is_mmcvs(seed):
    boxes = some_boxes(400, 60, seed)
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randperm(400, generator=generator).short()  # no two equal
    groups = torch.randint(0, 3, (400, ), generator=generator)
    _, expected = batched_nms(
        boxes.float() / UNIT, scores.float(), groups,
        dict(type='nms', iou_threshold=0.5))
    kept = nms(boxes, scores, groups, 1, 2)
    assert kept.tolist() == expected.tolist()
    assert 50 < len(kept) < 400


def test_mmcvs_own_vector():
    boxes = torch.tensor([[6, 3, 8, 7], [3, 6, 9, 11], [3, 7, 10, 12],
                          [1, 4, 13, 7]]).int() * UNIT
    scores = torch.tensor([6, 9, 7, 2])
    assert nms(boxes, scores, torch.zeros(4), 3, 10).tolist() == [1, 0, 3]


def test_a_threshold_is_exceeded_not_met():
    """An intersection of exactly 7/10 of the union stays: floats say so too,
    and the nearest float of 0.7 does not."""
    boxes = torch.tensor([[0, 0, 10, 10], [0, 0, 10, 7]]).int() * UNIT
    scores, groups = torch.tensor([2, 1]), torch.zeros(2)
    assert nms(boxes, scores, groups, 7, 10).tolist() == [0, 1]
    assert nms(boxes, scores, groups, 699, 1000).tolist() == [0]


def test_equal_boxes_leave_the_first():
    boxes = torch.tensor([[0, 0, 9, 9]] * 3).int() * UNIT
    zeros = torch.zeros(3, dtype=torch.int16)
    assert nms(boxes, zeros, torch.zeros(3), 1, 2).tolist() == [0]
    assert nms(boxes, zeros, torch.arange(3), 1, 2).tolist() == [0, 1, 2]


def test_boxes_without_area_suppress_nothing():
    boxes = torch.tensor([[5, 5, 5, 9], [5, 5, 5, 9], [0, 0, 9, 9]]).int()
    scores = torch.tensor([3, 2, 1])
    assert nms(boxes, scores, torch.zeros(3), 1, 2).tolist() == [0, 1, 2]
    assert nms(boxes[:0], scores[:0], torch.zeros(0), 1, 2).tolist() == []


def test_the_largest_boxes_and_thresholds_fit():
    side = 2**23
    boxes = torch.tensor([[-2**22, -2**22, 2**22, 2**22]] * 2).int()
    assert side**2 * 2**14 * 2 < 2**63
    kept = nms(boxes, torch.tensor([1, 2]), torch.zeros(2), 2**14 - 1, 2**14)
    assert kept.tolist() == [1]
    assert math.isfinite(side)
