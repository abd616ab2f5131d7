import importlib.util
import sys

import pytest

from test_examples.small_onnx import EXAMPLES


def example(name):
    """A file of examples/onnxruntime_python/ as a module."""
    pytest.importorskip('onnxruntime')
    folder = EXAMPLES / 'onnxruntime_python'
    spec = importlib.util.spec_from_file_location(name, folder / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


@pytest.fixture(scope='session')
def classify():
    return example('classify')


@pytest.fixture(scope='session')
def detect():
    return example('detect')


@pytest.fixture(scope='session')
def detector_file(tmp_path_factory):
    """A Mask R-CNN with seeded weights as one file."""
    pytest.importorskip('mmdet')
    from iptq_mm.export import to_onnx

    from detectors import SeededImages, hook_on
    from rcnn import nano, runner_with_norms
    runner = runner_with_norms(nano('mask-rcnn'))
    hook_on(SeededImages()).before_test(runner)
    path = tmp_path_factory.mktemp('detector') / 'model.onnx'
    to_onnx(runner.model, path, dynamic=True)
    return path
