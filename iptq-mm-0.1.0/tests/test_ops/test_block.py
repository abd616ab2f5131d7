"""Blocks in one operator, on each instruction set, against the reference."""
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from iptq_mm.guard import IntegerOnly
from iptq_mm.ops import REFERENCES, block, native, window_block

from classifiers import float_timm_swin, float_vit, images, integer_twin
from native_kernels import isa, no_reference  # noqa: F401
from quantized import float_swin, quantized

pytestmark = pytest.mark.skipif(
    not native.available(), reason='installed without the native kernels')

SETTINGS = [
    dict(),
    dict(functions=dict(softmax='log_int_softmax',
                        layernorm='ptf_layernorm')),
    dict(functions=dict(gelu='i_gelu', softmax='shiftmax')),
    dict(bits=dict(activation=4)),
]


class Blocks(TorchDispatchMode):
    """Keeps the arguments of every block."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function in (block, window_block):
            self.seen.append((function, args))
        return function(*args, **(kwargs or {}))


@pytest.fixture(scope='module', params=SETTINGS, ids=str)
def calls(request):
    """Blocks of a ViT, and of Swins with shifts, padding and both."""
    torch.manual_seed(0)
    odd = torch.randn(2, 3, 50, 35)
    backbone = float_swin(
        embed_dims=24, depths=(2, 2), num_heads=(2, 3), strides=(4, 2),
        out_indices=(0, 1), window_size=5)
    with torch.no_grad(), Blocks() as found:
        for network in (float_vit(), float_timm_swin()):
            integer_twin(network, images(), **request.param)(images())
        quantized(backbone, odd, **request.param)(odd)
    return found.seen


def test_same_bits(calls):
    assert {function for function, _ in calls} == {block, window_block}
    for function, args in calls:
        with no_reference():
            result = function(*args)
        with IntegerOnly():  # opens the operators that a reference calls
            expected = REFERENCES[function.name()](*args)
        assert result.dtype == torch.int16
        assert torch.equal(result, expected)


def test_the_kernels_leave_the_rest_to_the_reference(calls):
    function, (x, *args) = next(call for call in calls if call[0] is block)
    expected = function(x, *args)
    strided = x.transpose(0, 1).contiguous().transpose(0, 1)
    assert torch.equal(function(strided, *args), expected)
    assert function(x[:0], *args).shape == (0, *x.shape[1:])


def test_layers_that_do_not_fit_are_refused(calls):
    function, (x, layers, *args) = next(
        call for call in calls if call[0] is block)
    with pytest.raises(RuntimeError):
        function(x[..., 1:], layers, *args)
    with pytest.raises((RuntimeError, ValueError)):
        function(x, layers[:-1], *args)
