import shutil
import subprocess
import sys

import pytest

from iptq_mm.benchmark.hold import hold_onnxruntime_to_avx2
from iptq_mm.engine.errors import UserError
from iptq_mm.ops import native

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')

PRODUCT = '''
import sys
import numpy as np
from onnx import TensorProto, helper, numpy_helper
if 'held' in sys.argv:
    from iptq_mm.benchmark.hold import hold_onnxruntime_to_avx2
    hold_onnxruntime_to_avx2()
    hold_onnxruntime_to_avx2()
import onnxruntime
model = helper.make_model(helper.make_graph(
    [helper.make_node('MatMulInteger', ['a', 'b'], ['y'])], 'product',
    [helper.make_tensor_value_info('a', TensorProto.UINT8, [4, 64])],
    [helper.make_tensor_value_info('y', TensorProto.INT32, [4, 8])],
    [numpy_helper.from_array(np.full((64, 8), 127, np.int8), 'b')]),
    opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
session = onnxruntime.InferenceSession(
    model.SerializeToString(), providers=['CPUExecutionProvider'])
print(session.run(None, dict(a=np.full((4, 64), 255, np.uint8)))[0][0, 0])
'''
"""255 times 127, 64 times: more than ``vpmaddubsw``, which ONNX Runtime has on
AVX2, holds in its 16 bits, and no trouble for VNNI."""

SATURATED, EXACT = 32 * 32767, 64 * 255 * 127

needs_avx2 = pytest.mark.skipif(
    not native.available() or 'avx2' not in native.isas(),
    reason='this machine has no AVX2')


def product(*arguments: str) -> int:
    return int(subprocess.run(
        [sys.executable, '-c', PRODUCT, *arguments], check=True, text=True,
        stdout=subprocess.PIPE).stdout)


@needs_avx2
def test_held_onnxruntime_computes_as_on_avx2():
    assert product('held') == SATURATED


@needs_avx2
@pytest.mark.skipif('avx512_vnni' not in native.isas(),
                    reason='this machine has no VNNI')
def test_left_alone_it_takes_vnni():
    assert product() == EXACT


@needs_avx2
def test_needs_a_process_of_its_own():
    import onnxruntime  # noqa: F401
    with pytest.raises(UserError, match='in a new process'):
        hold_onnxruntime_to_avx2()


@needs_avx2
def test_says_what_is_missing(monkeypatch):
    import onnxruntime  # noqa: F401
    monkeypatch.delitem(
        sys.modules, 'onnxruntime.capi.onnxruntime_pybind11_state')
    monkeypatch.setenv('PATH', '')
    assert shutil.which('cc') is None
    with pytest.raises(UserError, match='needs cc'):
        hold_onnxruntime_to_avx2()
