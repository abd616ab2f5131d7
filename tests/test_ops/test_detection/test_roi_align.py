"""RoIAlign on integers, beside mmcv's on floats."""
import mmcv.ops
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iptq_mm.ops.detection.roi_align import (
    WEIGHT_BITS,
    axis_weights,
    roi_align,
)

from test_ops.test_detection.test_boxes import UNIT, some_boxes


def features(*shape, seed=0):
    return torch.randint(
        -127, 128, shape, generator=torch.Generator().manual_seed(seed),
        dtype=torch.int8)


def in_floats(source, boxes, size, stride, sampling):
    """mmcv's, on the same numbers; [N, h, w, C]."""
    rois = torch.cat([torch.zeros(len(boxes), 1), boxes.float() / UNIT], 1)
    images = source[None].permute(0, 3, 1, 2).float().contiguous()
    y = mmcv.ops.roi_align(images, rois, size, 1 / stride, sampling, 'avg',
                           True)
    return y.permute(0, 2, 3, 1)


def on_integers(source, boxes, size, stride, sampling):
    count = len(boxes)
    zeros = torch.zeros(count, dtype=torch.int64)
    return roi_align([source[None]], [stride], boxes, zeros, zeros, *size,
                     sampling)


@pytest.mark.parametrize('size', [(7, 7), (14, 14), (1, 1), (3, 5)])
@pytest.mark.parametrize('stride', [4, 8, 32])
@pytest.mark.parametrize('sampling', [0, 2])
def test_it_is_mmcvs_but_for_rounding(size, stride, sampling):
    source = features(30, 41, 6)
    boxes = some_boxes(60, 30 * stride)
    ours = on_integers(source, boxes, size, stride, sampling)
    theirs = in_floats(source, boxes, size, stride, sampling)
    # Half a step, and weights of 11 bits on either axis.
    assert (ours - theirs).abs().max() <= 0.5 + 2 * 127 * 2.0**-WEIGHT_BITS
    assert (ours == theirs.round()).float().mean() > 0.9


@pytest.mark.parametrize('source, box, expected', [
    ([[1, 2], [3, 4]], (0, 0, 1, 1), [[1., 1.25], [1.5, 1.75]]),
    ([[1, 2, 5, 6], [3, 4, 7, 8], [9, 10, 13, 14], [11, 12, 15, 16]],
     (0, 0, 3, 3), [[1.9375, 4.75], [7.5625, 10.375]])])
def test_mmcvs_own_vectors(source, box, expected):
    source = (torch.tensor(source) * 4).to(torch.int8)[..., None]
    boxes = torch.tensor([box]).int() * UNIT
    found = on_integers(source, boxes, (2, 2), 1, 2)[0, ..., 0]
    half_up = (torch.tensor(expected) * 4 + 0.5).floor()
    assert found.tolist() == half_up.tolist()


@pytest.mark.parametrize('box', [
    (0, 0, 40, 0), (0, 0, 0, 40), (9, 9, 9, 9)])
def test_a_box_of_no_size_gives_zeros(box):
    boxes = torch.tensor([box]).int() * UNIT
    assert not on_integers(features(10, 10, 3), boxes, (7, 7), 4, 0).any()


def test_a_box_of_no_size_is_a_point_where_samples_are_fixed():
    source = features(10, 10, 3)
    boxes = torch.tensor([[18, 22, 18, 22]]).int() * UNIT
    found = on_integers(source, boxes, (2, 2), 4, 2)
    theirs = in_floats(source, boxes, (2, 2), 4, 2)
    assert torch.equal(found, (theirs + 0.5).floor().to(torch.int8))


def test_boxes_far_beyond_the_map_give_zeros():
    boxes = torch.tensor([[500, 500, 600, 600], [-90, -90, -50, -50]]).int()
    assert not on_integers(features(10, 10, 3), boxes * UNIT, (7, 7), 4,
                           0).any()


def test_a_flat_map_stays_flat():
    """Weights of a bin sum to one, whatever the box."""
    source = torch.full((20, 20, 2), -127, dtype=torch.int8)
    boxes = some_boxes(50, 80)
    boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) > 0).all(1)]
    assert (on_integers(source, boxes, (7, 7), 4, 0) == -127).all()


def test_levels_and_images_are_chosen():
    maps = [features(2, 16, 16, 4), features(2, 8, 8, 4, seed=1)]
    boxes = some_boxes(6, 60)
    images = torch.tensor([0, 1, 0, 1, 0, 1])
    levels = torch.tensor([0, 0, 0, 1, 1, 1])
    found = roi_align(maps, [4, 8], boxes, images, levels, 7, 7, 0)
    for i in range(6):
        level = int(levels[i])
        alone = on_integers(maps[level][images[i]], boxes[i:i + 1], (7, 7),
                            (4, 8)[level], 0)
        assert torch.equal(found[i], alone[0])


def test_no_box():
    none = torch.zeros(0, dtype=torch.int64)
    found = roi_align([features(1, 8, 8, 4)], [4],
                      torch.zeros(0, 4, dtype=torch.int32), none, none, 7, 7,
                      0)
    assert found.shape == (0, 7, 7, 4) and found.dtype == torch.int8


@settings(max_examples=200)
@given(st.integers(-2**22, 2**22), st.integers(-2**22, 2**22),
       st.integers(1, 14), st.integers(1, 300), st.sampled_from([4, 8, 64]),
       st.integers(0, 3))
@example(-2**22, 2**22, 14, 2048, 4, 0)
@example(0, 2**22, 1, 1, 4, 0)
@example(-1024, -1024, 7, 9, 4, 2)
def test_weights_are_shares_of_samples(a, b, bins, length, stride, sampling):
    weights, rows, samples = axis_weights(
        *map(torch.tensor, (min(a, b), max(a, b))), bins,
        *map(torch.tensor, (length, stride)), sampling)
    assert weights.shape == (bins, len(rows))
    assert rows[0] >= 0 and rows[-1] < length
    assert (weights >= 0).all()
    whole = samples << WEIGHT_BITS
    shares = weights.sum(1)
    assert (shares <= whole).all()
    # A sample counts wholly or, beyond the map, not at all.
    assert not (shares % (1 << WEIGHT_BITS)).any()
