import importlib.util

import pytest

from test_examples.small_onnx import EXAMPLES


@pytest.fixture(scope='session')
def classify():
    """examples/onnxruntime_python/classify.py as a module."""
    pytest.importorskip('onnxruntime')
    spec = importlib.util.spec_from_file_location(
        'classify', EXAMPLES / 'onnxruntime_python' / 'classify.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
