"""Native kernels of what a detector does beside its layers: the bits of the
references, on every instruction set."""
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from iptq_mm.ops import (
    REFERENCES,
    box_levels,
    decode_boxes,
    native,
    nms,
    paste_masks,
    rank,
    roi_align,
)
from iptq_mm.ops.detection.boxes import level_areas

from native_kernels import isa, no_reference  # noqa: F401  (a fixture)
from test_ops.test_detection.test_boxes import UNIT, some_boxes

pytestmark = pytest.mark.skipif(
    not native.available(), reason='installed without the native kernels')


def pyramid(channels, batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randint(-127, 128, (batch, *size, channels),
                      generator=generator, dtype=torch.int8)
        for size in ((50, 75), (25, 38), (13, 19), (7, 10))
    ]


def equal_to_reference(maps, strides, boxes, levels, size, sampling):
    images = torch.arange(len(boxes)) % len(maps[0])
    args = (maps, strides, boxes, images, levels, *size, sampling)
    with no_reference():
        found = roi_align(*args)
    assert torch.equal(found, REFERENCES['iptq::roi_align'](*args))


@pytest.mark.parametrize('channels', [1, 7, 16, 37, 256])
@pytest.mark.parametrize('size', [(7, 7), (14, 14), (3, 1)])
@pytest.mark.parametrize('sampling', [0, 2])
def test_roi_align(channels, size, sampling):
    boxes = some_boxes(40, 250)
    levels = torch.arange(40) % 4
    equal_to_reference(pyramid(channels), [4, 8, 16, 32], boxes, levels, size,
                       sampling)


@settings(max_examples=60,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(*[st.integers(-100000, 100000)] * 4), st.integers(0, 3),
       st.integers(0, 3))
@example((0, 0, 200 * UNIT, 200 * UNIT), 0, 0)  # 50 rows, 8 samples a bin
@example((-2**18, -2**18, 2**18, 2**18), 3, 0)
@example((-2**22, 0, -2**22, 0), 0, 2)
def test_any_box(corners, level, sampling):
    x1, y1, x2, y2 = corners
    box = torch.tensor([[min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]])
    equal_to_reference(pyramid(5, 1), [4, 8, 16, 32], box.int(),
                       torch.tensor([level]), (7, 7), sampling)


@pytest.mark.parametrize('code', [-127, 127])
def test_the_largest_sums_fit(code):
    """32 x 32 samples a bin, all of them the largest code."""
    maps = [torch.full((1, 300, 300, 17), code, dtype=torch.int8)]
    box = torch.tensor([[0, 0, 4 * 223, 4 * 223]]).int() * UNIT
    equal_to_reference(maps, [4], box, torch.zeros(1).long(), (7, 7), 0)
    with no_reference():
        found = roi_align(maps, [4], box, *[torch.zeros(1).long()] * 2, 7, 7,
                          0)
    assert (found == code).all()


@pytest.mark.parametrize('box', [
    (0, 0, 4000, 40), (0, 0, 7, 4000), (-4000, -4000, 4000, 4000)])
def test_boxes_with_many_samples(box):
    equal_to_reference(pyramid(3, 1), [4, 8, 16, 32],
                       torch.tensor([box]).int() * UNIT,
                       torch.zeros(1).long(), (7, 7), 0)


def test_threads_change_nothing():
    boxes, levels = some_boxes(60, 250), torch.arange(60) % 4
    args = (pyramid(32), [4, 8, 16, 32], boxes, levels % 2, levels, 7, 7, 0)
    found = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        found.append(roi_align(*args))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize('seed', range(6))
def test_nms(seed):
    boxes = some_boxes(500, 80, seed)
    generator = torch.Generator().manual_seed(seed)
    # Few different scores: ties are what differs first.
    scores = torch.randint(0, 9, (500, ), generator=generator).short()
    groups = torch.randint(0, 4, (500, ), generator=generator)
    for numerator, denominator in ((1, 2), (7, 10), (1, 100)):
        args = boxes, scores, groups, numerator, denominator
        with no_reference():
            kept = nms(*args)
        assert torch.equal(kept, REFERENCES['iptq::nms'](*args))


def test_nms_of_none():
    none = torch.zeros(0, dtype=torch.int16)
    kept = nms(torch.zeros(0, 4).int(), none, none, 1, 2)
    assert kept.shape == (0, ) and kept.dtype == torch.int64


def same_as_reference(operator, *args):
    """Equal, and the kernel's own."""
    reference = REFERENCES[f'iptq::{operator._schema.name[6:]}'](*args)
    with no_reference():
        found = operator(*args)
    assert found.dtype == reference.dtype and torch.equal(found, reference)


def drawn(shape, least, most, dtype, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(least, most + 1, shape, generator=generator,
                         dtype=dtype)


@pytest.mark.parametrize('dtype', [torch.int8, torch.int16])
@pytest.mark.parametrize('n', [0, 20, 45, 62])
def test_decode_boxes(dtype, n):
    """Coordinates and deltas to the ends of their ranges."""
    top = torch.iinfo(dtype).max
    boxes = drawn((500, 4), -2**22, 2**22, torch.int32).view(-1, 2, 2)
    boxes = boxes.sort(1).values.reshape(-1, 4)
    deltas = drawn((500, 4), -top, top, dtype)
    deltas[:2] = torch.tensor([[top], [-top]])
    m, n = torch.full((4, ), 2**31 - 1), torch.full((4, ), n)
    limits = drawn((1, 2), 1, 2**21, torch.int32).expand(500, 2)
    same_as_reference(decode_boxes, boxes, deltas, m, n, limits)
    same_as_reference(decode_boxes, boxes[:0], deltas[:0], m, n, limits[:0])


def test_box_levels():
    areas = level_areas(4, 56)
    sides = drawn((2000, 2), 0, 2**20, torch.int32)
    boxes = torch.cat([torch.zeros_like(sides), sides], 1)
    same_as_reference(box_levels, boxes, areas)
    same_as_reference(box_levels, boxes[:0], areas)


@pytest.mark.parametrize('dtype', [torch.int16, torch.int32, torch.int64])
@pytest.mark.parametrize('count', [0, 1, 100, 999, 1000, 5000])
def test_rank(dtype, count):
    """Many are equal; none, some and all are asked for."""
    same_as_reference(rank, drawn((1000, ), -5, 5, dtype), count)
    same_as_reference(rank, drawn((1000, ), torch.iinfo(dtype).min,
                                  torch.iinfo(dtype).max - 1, dtype), count)
    same_as_reference(rank, drawn((0, ), 0, 1, dtype), count)


@pytest.mark.parametrize('shape', [(28, 28), (7, 5), (1, 1)])
@pytest.mark.parametrize('threshold', [1, 2**13, 2**14])
def test_paste_masks(shape, threshold):
    """In and beyond the image, without area, larger than it."""
    boxes = torch.cat([
        some_boxes(60, 250), some_boxes(20, 3) * 100,
        torch.tensor([[5, 5, 5, 9], [-2**22, -2**22, 2**22, 2**22],
                      [0, 0, 200 * UNIT, 150 * UNIT]]).int()])
    cells = drawn((len(boxes), *shape), 0, 2**14, torch.int16)
    size = torch.tensor([150, 200])
    same_as_reference(paste_masks, cells, boxes, size, threshold)
    same_as_reference(paste_masks, cells[:0], boxes[:0], size, threshold)


@settings(max_examples=100,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(*[st.integers(-2**22, 2**22)] * 4), st.integers(1, 300),
       st.integers(1, 300), st.integers(1, 2**14))
def test_any_mask(corners, height, width, threshold):
    box = torch.tensor([corners]).int().view(1, 2, 2).sort(1).values
    cells = drawn((1, 28, 28), 0, 2**14, torch.int16)
    same_as_reference(paste_masks, cells, box.view(1, 4),
                      torch.tensor([height, width]), threshold)
