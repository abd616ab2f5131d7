"""Whole detectors as one file: the integers of PyTorch, whatever runs it."""
import copy

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    RuntimeException,
)

from iptq_mm.export import check_integer, metadata, region_of, to_onnx
from iptq_mm.export.check.runtime import Session
from iptq_mm.export.library import (
    has_onnxruntime_library,
    onnxruntime_library,
)
from iptq_mm.models.detectors.detectors import forget_program

from detectors import SeededImages, hook_on
from rcnn import nano, nano_retinanet, runner_with_norms

DETECTORS = {
    'faster-rcnn': lambda: nano('faster-rcnn'),
    'mask-rcnn': lambda: nano('mask-rcnn'),
    'cascade-mask-rcnn': lambda: nano('cascade-mask-rcnn'),
    'retinanet': nano_retinanet
}


@pytest.fixture(scope='module', params=DETECTORS)
def detector(request):
    """Integer; its file leaves the size open."""
    runner = runner_with_norms(DETECTORS[request.param]())
    hook_on(SeededImages()).before_test(runner)
    return runner.model


@pytest.fixture(scope='module')
def file(detector, tmp_path_factory):
    path = tmp_path_factory.mktemp('export') / 'model.onnx'
    to_onnx(detector, path, dynamic=True)
    return path


def image(height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, 3, height, width), generator=generator,
                         dtype=torch.uint8)


def original(*size):
    return torch.tensor(size or (0, 0))


def fast(path):
    """The functions of a detector are long to load: this is the quickest
    session that there is."""
    if has_onnxruntime_library():
        return Session(str(path), 2, onnxruntime_library())
    return Session(str(path), threads=1)


@pytest.fixture(scope='module')
def sessions(file):
    """By the functions of the file, and by kernels."""
    return [Session(str(file), threads=1), fast(file)]


def equal(xs, ys):
    return len(xs) == len(ys) and all(
        x.dtype == y.dtype and torch.equal(x, y) for x, y in zip(xs, ys))


@torch.no_grad()
def test_onnx_runtime_gives_the_integers_of_the_program(
        detector, file, sessions):
    region = region_of(detector)
    for size, before in (((64, 96), (0, 0)), ((97, 51), (200, 110)),
                         ((1, 1), (0, 0)), ((2, 170), (1, 85))):
        given = image(*size), torch.tensor(before)
        expected = region(*given)
        for session in sessions:
            assert equal(session(*given), expected), (size, before)
    assert 'FLOAT' not in check_integer(onnx.load(file)).types


@torch.no_grad()
def test_it_is_what_mmdet_is_given(detector, sessions):
    """The detector's own test, with its padding: what the file is given and
    what it is to find."""
    seen = []
    end = region_of(detector).watch(lambda *call: seen.append(call))
    images = SeededImages((64, 88), 3)
    for i in range(3):
        item = images[i]
        detector.test_step({key: [value] for key, value in item.items()})
    end()
    assert len(seen) == 3
    for (pixels, size), expected in seen:
        assert pixels.shape[1:] == (3, 64, 88)
        assert equal(sessions[1](pixels, size), expected)


def reference_takes_the_first_of_equals():
    """As ONNX asks of ``TopK``; the evaluator of onnx 1.16 takes the last."""
    top = onnx.parser.parse_model('''
        <ir_version: 8, opset_import: ["": 18]>
        g (int64[N] x, int64[1] k) => (int64[1] y, int64[1] i) {
            y, i = TopK <axis = 0> (x, k)
        }''')
    _, (index, ) = ReferenceEvaluator(top).run(
        None, dict(x=np.zeros(3, np.int64), k=np.ones(1, np.int64)))
    return index == 0


@pytest.mark.skipif(not reference_takes_the_first_of_equals(),
                    reason='onnx.reference of this release breaks ties '
                    'otherwise than ONNX says')
@torch.no_grad()
def test_the_reference_evaluator_gives_them_too(detector, file):
    pixels = image(40, 56)
    found = ReferenceEvaluator(str(file)).run(
        None, dict(pixels=pixels.numpy()))
    assert equal([torch.from_numpy(x) for x in found],
                 region_of(detector)(pixels, original()))


@torch.no_grad()
def test_nothing_found(detector, tmp_path):
    """Exported by a run that finds nothing, run by one that does."""
    none = copy.deepcopy(detector)
    forget_program(none)
    rules = none.test_cfg.get('rcnn') or none.test_cfg
    rules.score_thr = 2.
    path = tmp_path / 'none.onnx'
    to_onnx(none, path, dynamic=True)
    pixels = image(64, 96)
    found = fast(path)(pixels, original())
    assert len(found[0]) == 0
    assert equal(found, region_of(none)(pixels, original()))


def test_the_size_can_be_left_out(detector, file):
    """It is an initializer that may be given."""
    proto = onnx.load(file)
    assert [entry.name for entry in proto.graph.input] == ['pixels', 'size']
    described = metadata.read(proto)
    assert [entry['name'] for entry in described['inputs']
            if not entry['optional']] == ['pixels']
    assert [entry['name'] for entry in described['outputs']][:3] == [
        'boxes', 'scores', 'labels']
    assert described['outputs'][0]['scale'] == 1 / 256


def test_a_file_of_one_size(detector, tmp_path):
    path = tmp_path / 'model.onnx'
    proto = to_onnx(detector, path, size=(64, 96))
    entry = proto.graph.input[0].type.tensor_type.shape
    assert [axis.dim_value for axis in entry.dim] == [1, 3, 64, 96]
    given = image(64, 96), original()
    with torch.no_grad():
        assert equal(fast(path)(*given), region_of(detector)(*given))


@torch.no_grad()
def test_images_that_are_normalized(tmp_path):
    """An int8 image, padded by zeros."""
    runner = runner_with_norms(nano('mask-rcnn'))
    hook_on(SeededImages(), input='normalized').before_test(runner)
    path = tmp_path / 'model.onnx'
    to_onnx(runner.model, path, dynamic=True)
    seen = []
    region = region_of(runner.model)
    end = region.watch(lambda *call: seen.append(call))
    item = SeededImages((64, 88), 1)[0]
    runner.model.test_step({key: [value] for key, value in item.items()})
    end()
    (given, expected), = seen
    assert given[0].dtype == torch.int8
    assert equal(fast(path)(*given), expected)


@pytest.mark.parametrize('shape, dtype', [
    ((1, 3, 0, 5), torch.uint8), ((2, 3, 32, 32), torch.uint8),
    ((1, 1, 32, 32), torch.uint8), ((3, 32, 32), torch.uint8),
    ((1, 3, 32, 32), torch.float32)])
def test_what_is_no_image_is_refused(sessions, shape, dtype):
    with pytest.raises(InvalidArgument):
        sessions[1](torch.zeros(shape, dtype=dtype), original())


def test_a_size_that_is_none(detector, sessions):
    """Masks beyond memory are an error; below 1 it is that of the image."""
    if len(region_of(detector).outputs) == 4:
        with pytest.raises((Fail, InvalidArgument, RuntimeException)):
            sessions[1](image(64, 96), original(2**40, 2**40))
    found = sessions[1](image(64, 96), original(-3, 20))
    assert equal(found, region_of(detector)(image(64, 96), original(-3, 20)))
