"""The ONNX functions against torch, over the whole range of int64."""
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from iptq_mm.export.check.runtime import Session
from iptq_mm.export.graph.graph import DOMAIN
from iptq_mm.export.graph.primitives import primitive
from iptq_mm.export.graph.tracer import opset_imports

from traced import info

LOWEST, HIGHEST = -2**63, 2**63 - 1

INT64 = st.one_of(
    st.integers(LOWEST, HIGHEST), st.integers(-300, 300),
    st.sampled_from([LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST - 1, HIGHEST]))


def session(name, *inputs):
    """A model of one call of a function."""
    names = [f'x{i}' for i in range(len(inputs))]
    output = inputs[0] if name != 'offset_binary' else inputs[0].byte()
    return Session(
        helper.make_model(
            helper.make_graph(
                [helper.make_node(name, names, ['y'], domain=DOMAIN)], name,
                [info(*pair) for pair in zip(names, inputs)],
                [info('y', output)]),
            functions=[primitive(name, 18)],
            opset_imports=opset_imports(18, functions=True),
            ir_version=8),
        threads=1)


@pytest.fixture(scope='module')
def sessions():
    pair = torch.zeros(2, 1, dtype=torch.int64)
    return {
        name: session(name, pair[0], pair[1])
        for name in ('shift_right', 'shift_left', 'floor_divide')
    }


def run(sessions, name, x, y):
    result, = sessions[name](torch.tensor([x]), torch.tensor([y]))
    return result.item()


@settings(max_examples=300)
@given(x=INT64, n=st.integers(0, 63))
def test_shift_right_is_a_floor(sessions, x, n):
    assert run(sessions, 'shift_right', x, n) == x >> n


@settings(max_examples=300)
@given(x=INT64, n=st.integers(0, 63))
def test_shift_left_keeps_the_low_bits(sessions, x, n):
    assert run(sessions, 'shift_left', x, n) == (
        torch.tensor([x]) << n).item()


@settings(max_examples=300)
@given(x=INT64, y=INT64.filter(lambda y: y not in (0, -1)))
def test_floor_divide(sessions, x, y):
    assert run(sessions, 'floor_divide', x, y) == x // y


def test_offset_binary_of_every_int8():
    x = torch.arange(-128, 128).to(torch.int8)
    y, = session('offset_binary', x)(x)
    assert np.array_equal(y.numpy(), x.numpy().astype(np.int16) + 128)


def test_a_name_of_no_primitive():
    assert primitive('linear_8', 18) is None
