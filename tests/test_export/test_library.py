"""The kernels under ONNX Runtime, in the place of a file's functions."""
import re
import threading
from pathlib import Path

import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.capi.onnxruntime_pybind11_state import (
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    NotImplemented,
    RuntimeException,
)

from iptq_mm.compat import zip_strict
from iptq_mm.engine.errors import UserError
from iptq_mm.export import library, onnxruntime_library, region_of, to_onnx
from iptq_mm.export.check.runtime import Session
from iptq_mm.export.graph.digest import digest
from iptq_mm.export.library import has_onnxruntime_library
from iptq_mm.ops import native

from classifiers import float_timm_swin, float_vit, images, integer_twin
from detectors import TINY
from quantized import float_swin, quantized

ERRORS = (EPFail, Fail, InvalidArgument, InvalidGraph, NotImplemented,
          RuntimeException)

pytestmark = pytest.mark.skipif(
    not has_onnxruntime_library(),
    reason="built without ONNX Runtime's headers")


@pytest.fixture(scope='module')
def model():
    return integer_twin(float_vit(), images())


@pytest.fixture(scope='module')
def proto(model, tmp_path_factory):
    path = tmp_path_factory.mktemp('library') / 'model.onnx'
    return to_onnx(model, path, dynamic=True)


def changed(proto):
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    return result


def fast(proto, threads=1):
    return Session(proto, threads, onnxruntime_library())


@pytest.mark.parametrize('network', [
    lambda: integer_twin(float_vit(), images()),
    lambda: integer_twin(float_timm_swin(), images()),
    lambda: quantized(float_swin(**TINY), images(2, 48))])
def test_no_function_with_a_kernel_is_run(network, tmp_path):
    """Their bodies are taken away: what is left is done by kernels."""
    network = network()
    path = tmp_path / 'model.onnx'
    proto = to_onnx(network, path, dynamic=True)
    kernels = ('linear', 'layer_norm', 'merge_layer_norm', 'attention',
               'window_attention', 'add', 'requantize', 'gelu')
    hollow = changed(proto)
    for function in hollow.functions:
        if function.name.startswith(kernels):
            del function.node[:]
            function.node.append(helper.make_node(
                'Not', [function.input[0]], [function.output[0]]))
    region = region_of(network)
    side = 32 if hasattr(network, 'structure') else 45
    x = torch.randint(-127, 128, (2, 3, side, side)).to(torch.int8)
    with torch.no_grad():
        expected = region(x)
    for found, y in zip_strict(fast(hollow)(x), expected):
        assert torch.equal(found, y)
    with pytest.raises(ERRORS):
        Session(hollow)(x)


def test_sessions_and_threads_at_once(model, proto):
    sessions = [fast(proto, threads) for threads in (1, 2)]
    x = model.quantize(images(4, seed=3))
    with torch.no_grad():
        expected = model.body(x)
    found = []

    def run(session):
        found.extend(session(x)[0] for _ in range(20))

    threads = [threading.Thread(target=run, args=(session, ))
               for session in sessions * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert all(torch.equal(y, expected) for y in found)


def test_a_file_for_other_kernels_is_refused(proto):
    other = changed(proto)
    for node in other.graph.node:
        for attribute in node.attribute:
            if attribute.name == 'interface':
                attribute.i = native.INTERFACE + 1
    with pytest.raises(ERRORS, match='different versions'):
        fast(other)


def one_node(operator, types, shapes, result, **attributes):
    """A model of one call; its inputs are free."""
    inputs = [f'input_{i}' for i in range(len(types))]
    node = helper.make_node(operator, inputs, ['y'], domain='iptq_mm')
    settings = dict(attributes, interface=native.INTERFACE, constants=0,
                    digest=0)
    node.attribute.extend(
        helper.make_attribute(key, value) for key, value in settings.items())
    graph = helper.make_graph(
        [node], 'one',
        [helper.make_tensor_value_info(*info)
         for info in zip(inputs, types, shapes)],
        [helper.make_tensor_value_info('y', result, None)])
    return helper.make_model(
        graph, ir_version=10,
        opset_imports=[helper.make_opsetid('', 21),
                       helper.make_opsetid('iptq_mm', 1)])


INT8, INT16, INT32, INT64 = (TensorProto.INT8, TensorProto.INT16,
                             TensorProto.INT32, TensorProto.INT64)
LINEAR = [INT8, INT8, INT32, INT64, INT64]


def layer(rows=4, inputs=6, outputs=3):
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randint(-127, 128, shape, generator=generator)

    return [draw(rows, inputs).to(torch.int8),
            draw(outputs, inputs).to(torch.int8), draw(outputs).int(),
            torch.full((outputs, ), 2**30 + 1), torch.full((outputs, ), 38)]


@pytest.mark.parametrize('bits, result', [(8, INT8), (16, INT16)])
def test_weights_that_are_no_constants(bits, result):
    kind = {INT8: 'int8', INT16: 'int16'}[result]
    session = fast(one_node(f'linear_int8_{kind}', LINEAR, [None] * 5,
                            result, bits=bits))
    for inputs in (6, 40):
        args = layer(inputs=inputs)
        found, = session(*args)
        assert torch.equal(found, torch.ops.iptq.linear(*args, bits))


@pytest.mark.parametrize('name, types, shapes, settings, shape', [
    ('linear_int8_int8', LINEAR, [['N', 5, 6], [3, 6], [3], [3], [3]],
     dict(bits=8), ['N', 5, 3]),
    ('layer_norm_int16_int8', [INT16, INT64], [[2, 'T', 8], [5, 8]],
     dict(bits=8, name='i_layernorm'), [2, 'T', 8]),
    ('merge_layer_norm_int16_int8', [INT16, INT64],
     [['N', 5, 'W', 8], [5, 32]],
     dict(bits=8, name='i_layernorm', stride=2), ['N', 3, None, 32]),
    ('conv2d_int8_int8', LINEAR, [['N', 9, 'W', 2], [4, 18], [4], [4], [4]],
     dict(bits=8, kernel=3, stride=2, padding=1, relu=0),
     ['N', 5, None, 4]),
    ('attention_int8_int8', [INT8, INT64, INT64, INT64],
     [['N', 7, 24], [2, 2], [4], [2, 2]],
     dict(bits=8, heads=2, softmax='i_softmax'), ['N', 7, 8])])
def test_shapes_are_known_before_the_model_runs(name, types, shapes, settings,
                                                shape):
    model = one_node(name, types, shapes,
                     INT8 if name.endswith('8') else INT16, **settings)
    options = SessionOptions()
    options.register_custom_ops_library(str(onnxruntime_library()))
    session = InferenceSession(model.SerializeToString(), options)
    found = session.get_outputs()[0].shape
    assert [None if str(one).startswith('iptq_mm_') else one
            for one in found] == shape


@pytest.mark.parametrize('spoil, says', [
    (lambda args: args.__setitem__(0, args[0][:, :5]), 'number of channels'),
    (lambda args: args.__setitem__(1, args[1][0]), 'number of channels'),
    (lambda args: args.__setitem__(2, args[2][:2]), 'another size'),
    (lambda args: args[4].fill_(63), 'out of int32'),
    (lambda args: args.__setitem__(1, args[1][:0]), 'another size')])
def test_wrong_tensors_are_an_error_and_no_crash(spoil, says):
    session = fast(one_node('linear_int8_int8', LINEAR, [None] * 5, INT8,
                            bits=8))
    args = layer()
    spoil(args)
    with pytest.raises(ERRORS, match=says):
        session(*args)
    assert len(session(*layer())) == 1  # and goes on


@pytest.mark.parametrize('changes', [
    dict(bits=99), dict(), dict(bits='8')])
def test_wrong_attributes_are_an_error(changes):
    model = one_node('linear_int8_int8', LINEAR, [None] * 5, INT8, **changes)
    with pytest.raises(ERRORS):
        fast(model)(*layer())


@pytest.mark.parametrize('name, bit', [
    ('blocks.0.mlp.fc1.weight', 0), ('blocks.1.attn.qkv.bias', 31),
    ('blocks.1.attn.proj.m', 5), ('blocks.0.norm1.params', 63)])
def test_a_flipped_bit_is_found(proto, name, bit):
    spoilt = changed(proto)
    tensor, = (tensor for tensor in spoilt.graph.initializer
               if tensor.name == name)
    content = bytearray(tensor.raw_data)
    content[-8 + bit // 8 if len(content) >= 8 else 0] ^= 1 << bit % 8
    tensor.raw_data = bytes(content)
    with pytest.raises(ERRORS, match='damaged'):
        fast(spoilt)


@given(st.lists(st.integers(0, 255), max_size=40), st.data())
def test_every_flipped_bit_changes_the_digest(values, data):
    x = torch.tensor(values, dtype=torch.uint8)
    before = digest([x, x])
    assert -2**63 <= before < 2**63
    if values:
        at = data.draw(st.integers(0, len(values) - 1))
        spoilt = x.clone()
        spoilt[at] ^= 1 << data.draw(st.integers(0, 7))
        assert digest([x, spoilt]) != before != digest([spoilt, x])
        assert digest([x[:-1], x]) != before


def test_a_truncated_file(proto, tmp_path):
    path = tmp_path / 'model.onnx'
    path.write_bytes(proto.SerializeToString()[:-1000])
    with pytest.raises(Exception, match='(?i)protobuf|parse'):
        fast(str(path))


@pytest.mark.parametrize('missing, says', [
    ('available', 'without its native kernels'),
    ('serves_onnxruntime', 'ONNXRUNTIME_INCLUDE')])
def test_where_there_is_no_library(monkeypatch, missing, says):
    monkeypatch.setattr(library.native, missing, lambda: False)
    with pytest.raises(UserError, match=says):
        onnxruntime_library()


def resident(path):
    """Bytes of a mapped file in this process's memory; None: not mapped."""
    found = None
    for line in Path('/proc/self/smaps').read_text().splitlines():
        if re.match(r'[0-9a-f]+-', line):
            inside = line.endswith(str(path))
        elif inside and line.startswith('Rss:'):
            found = (found or 0) + 1024 * int(line.split()[1])
    return found


@torch.no_grad()
def test_weights_in_a_file_of_their_own_are_in_memory_once(tmp_path):
    model = integer_twin(float_vit(embed_dim=192), images())
    path, data = tmp_path / 'model.onnx', tmp_path / 'model.onnx.data'
    proto = to_onnx(model, path, dynamic=True, external_data=True)
    weights = sum(x.nbytes for name, x in model.state_dict().items()
                  if name.endswith('.weight'))
    assert data.stat().st_size > weights
    assert path.stat().st_size < proto.ByteSize() - weights
    x = model.quantize(images(3, seed=7))
    expected = model.body(x)
    for kernels in (False, True):
        options = SessionOptions()
        if kernels:
            options.register_custom_ops_library(str(onnxruntime_library()))
        session = InferenceSession(path, options)
        y, = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        assert torch.equal(torch.from_numpy(y), expected)
    # The kernels have read all of it, and have packed what they need.
    assert resident(data) < weights / 10


def test_a_damaged_file_of_weights_is_refused(model, tmp_path):
    path, data = tmp_path / 'model.onnx', tmp_path / 'model.onnx.data'
    to_onnx(model, path, external_data=True)
    good = data.read_bytes()
    options = SessionOptions()
    options.register_custom_ops_library(str(onnxruntime_library()))
    for bad in (good[:-5000], good[:100] + bytes([good[100] ^ 1])
                + good[101:], None):
        data.unlink()
        if bad is not None:
            data.write_bytes(bad)
        with pytest.raises(ERRORS):
            InferenceSession(path, options)
        data.write_bytes(good)
    InferenceSession(path, options)
