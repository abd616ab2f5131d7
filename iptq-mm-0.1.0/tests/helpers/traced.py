"""A function of torch on integers, traced and run in ONNX Runtime."""
import onnx
import torch
from onnx import helper

from iptq_mm.export import check_integer
from iptq_mm.export.check.runtime import Session
from iptq_mm.export.graph.tracer import Tracer, literal, opset_imports
from iptq_mm.export.graph.types import element_type


def info(name, tensor):
    return helper.make_tensor_value_info(
        name, element_type(tensor.dtype), [None] * tensor.dim())


def traced(function, *inputs):
    """ModelProto of what a function makes of its inputs."""
    tracer = Tracer(21, literal)
    names = [f'x{i}' for i in range(len(inputs))]
    for name, tensor in zip(names, inputs):
        tracer.bind(tensor, name)
    with tracer:
        result = function(*inputs)
    output = tracer.output(result)
    nodes = [
        *tracer.graph.nodes,
        helper.make_node('Identity', [output], ['y'])
    ]
    model = helper.make_model(
        helper.make_graph(
            nodes, 'traced',
            [info(*pair) for pair in zip(names, inputs)],
            [info('y', result)]),
        functions=tracer.finish(),
        opset_imports=opset_imports(21, functions=True),
        ir_version=10)
    onnx.checker.check_model(model)
    check_integer(model)
    return model


def assert_same(function, inputs, others=()):
    """Traced on the inputs, a function gives torch's result for them and for
    other inputs, of other shapes maybe."""
    session = Session(traced(function, *inputs), threads=1)
    for given in (inputs, *others):
        expected = function(*(x.clone() for x in given))
        result, = session(*given)
        assert result.dtype == expected.dtype
        assert torch.equal(result, expected)


def integers(*shape, dtype=torch.int64, low=None, high=None, seed=0):
    """Seeded integers of the whole range of a type, its ends among them."""
    limits = torch.iinfo(dtype)
    low = limits.min if low is None else low
    high = limits.max if high is None else high
    result = torch.randint(
        low, high, shape, dtype=dtype,
        generator=torch.Generator().manual_seed(seed))
    if result.numel() > 2:
        result.view(-1)[0], result.view(-1)[-1] = low, high
    return result
