"""The checker finds every kind of float."""
import onnx
import pytest
import torch
from onnx import TensorProto, helper, parser

from iptq_mm.export import FloatInGraphError, check_integer

from traced import traced

HEADER = '<ir_version: 10, opset_import: ["": 21]>\n'


def parsed(body, signature='(int8[N] x) => (int8[N] y)'):
    return parser.parse_model(f'{HEADER} g {signature} {{ {body} }}')


def test_operators_and_types_of_an_integer_graph():
    graph = check_integer(
        traced(lambda x: (x >> 1) + 1, torch.arange(4)))
    assert graph.operators['BitShift'] == 2
    assert graph.operators['Add'] == graph.operators['BitwiseXor'] == 1
    assert graph.types == {'INT64', 'UINT64'}


@pytest.mark.parametrize('body, place', [
    ('f = Cast<to = 1>(x) y = Cast<to = 3>(f)', r'\(Cast\) is of type FLOAT'),
    ('f = Cast<to = 10>(x) y = Cast<to = 3>(f)', 'FLOAT16'),
    ('f = Cast<to = 16>(x) y = Cast<to = 3>(f)', 'BFLOAT16'),
    ('f = Cast<to = 11>(x) y = Cast<to = 3>(f)', 'DOUBLE'),
    ('f = Constant<value_floats = [1.0]>() y = Cast<to = 3>(f)',
     'Constant'),
    ('s = Shape(x) f = ConstantOfShape(s) y = Cast<to = 3>(f)',
     'ConstantOfShape'),
    ('c = Constant<value = bool {1}>() y = If(c) <then_branch = a () => '
     '(int8[N] p) {f = Cast<to = 1>(x) p = Cast<to = 3>(f)}, else_branch = b '
     '() => (int8[N] q) {q = Identity(x)}>', r'\(Cast\)'),
])
def test_floats_are_named(body, place):
    with pytest.raises(FloatInGraphError, match=place):
        check_integer(parsed(body))


def test_a_float_input():
    with pytest.raises(FloatInGraphError, match='input x'):
        check_integer(
            parsed('y = Cast<to = 3>(x)', '(float[N] x) => (int8[N] y)'))


def test_a_float_initializer():
    model = parsed('y = Identity(x)')
    model.graph.initializer.append(
        helper.make_tensor('w', TensorProto.FLOAT, [1], [0.5]))
    with pytest.raises(FloatInGraphError, match='initializer w'):
        check_integer(model)


def test_a_float_inside_a_function():
    model = traced(lambda x: x >> 1, torch.arange(4))
    function, = model.functions
    cast = next(node for node in function.node if node.op_type == 'Cast')
    cast.attribute[0].i = TensorProto.DOUBLE
    with pytest.raises((FloatInGraphError, onnx.shape_inference.InferenceError
                        )):
        check_integer(model)


def test_a_float_node_put_into_a_model():
    model = traced(lambda x: x * 3 - 1, torch.arange(4))
    graph = model.graph
    first = graph.node[-1].input[0]
    graph.node[-1].input[0] = 'back'
    for node in (helper.make_node('Cast', [first], ['float'], name='to_float',
                                  to=TensorProto.FLOAT),
                 helper.make_node('Cast', ['float'], ['back'],
                                  to=TensorProto.INT64)):
        graph.node.insert(len(graph.node) - 1, node)
    with pytest.raises(FloatInGraphError, match='to_float'):
        check_integer(model)


def test_an_operator_of_unknown_type():
    model = parsed('y = Identity(x)')
    model.opset_import.append(helper.make_opsetid('foreign', 1))
    model.graph.node.insert(
        0, helper.make_node('Strange', ['x'], ['z'], domain='foreign'))
    with pytest.raises(FloatInGraphError, match='UNDEFINED'):
        check_integer(model)
