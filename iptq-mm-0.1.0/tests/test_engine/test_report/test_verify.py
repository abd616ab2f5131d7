import pytest
import torch

from iptq_mm.engine.report.verify import verify_integer
from iptq_mm.guard import FloatingPointTensorError

from quantized import float_swin, quantized


@pytest.fixture
def images():
    return torch.randn(1, 3, 32, 32, generator=torch.manual_seed(1))


@pytest.fixture
def integer(images):
    swin = float_swin(
        embed_dims=8, depths=(1, 1), num_heads=(1, 2), strides=(4, 2),
        out_indices=(0, 1), window_size=4)
    return quantized(swin, images)


def test_integers_pass(integer, images):
    assert verify_integer(integer, integer, [images]) == ['body']


def test_a_float_inside_is_found(integer, images):
    integer.body.stages[0].register_forward_hook(
        lambda module, args, output: (output * 1.0).to(output.dtype))
    with pytest.raises(FloatingPointTensorError, match='float32'):
        verify_integer(integer, integer, [images])


def test_a_float_model_has_nothing_to_verify(images):
    model = torch.nn.Conv2d(3, 8, 3)
    with pytest.raises(ValueError, match='no integer region'):
        verify_integer(model, model, [images])


def test_an_operator_that_differs_from_its_reference_is_found(integer,
                                                              images):
    calls = []

    def every_second_time(module, args, output):
        calls.append(1)
        return output if len(calls) % 2 else output + 1

    integer.body.norms['1'].register_forward_hook(every_second_time)
    with pytest.raises(RuntimeError, match='output 1 .* differs'):
        verify_integer(integer, integer, [images])
