import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iptq_mm.arithmetic import requantize
from iptq_mm.lowering.linear import lower_linear
from iptq_mm.nn import IntWideLinear
from iptq_mm.ops import LOWER_ZERO

from integers import fill

ENDS = [-2**15, -2**15 + 1, -129, -128, -1, 0, 1, 127, 128, 255, 256,
        2**15 - 129, 2**15 - 128, 2**15 - 1]


def exact(layer, x):
    """Of whole inputs and a bias that has taken up the zero."""
    accumulator = (x.long() + LOWER_ZERO) @ layer.weight.long().T + layer.bias
    return requantize(accumulator, layer.m, layer.n, 16)


@settings(max_examples=100)
@given(seed=st.integers(0, 2**31), shift=st.integers(37, 62))
@example(seed=0, shift=62)
def test_two_halves_make_the_whole(seed, shift):
    """But for a step: both halves are rounded."""
    generator = torch.Generator().manual_seed(seed)
    layer = fill(IntWideLinear(14, 5), generator)
    layer.n.fill_(shift)
    x = torch.randint(-2**15, 2**15, (20, 14), generator=generator)
    x[0] = torch.tensor(ENDS)
    x[1] = torch.tensor(ENDS).flip(0)
    x = x.to(torch.int16)
    got = layer(x)
    assert got.dtype == torch.int16 and got.shape == (20, 5)
    assert (got.int() - exact(layer, x).int()).abs().max() <= 1


@pytest.mark.parametrize('value', ENDS)
def test_half_of_every_input(value):
    layer = IntWideLinear(1, 1)
    layer.weight.fill_(1)
    layer.bias.fill_(-LOWER_ZERO)
    layer.m.fill_(2**30)
    layer.n.fill_(31)
    x = torch.tensor([[value]], dtype=torch.int16)
    assert layer(x).item() == (value + 1) >> 1


def test_both_ends_saturate():
    layer = fill(IntWideLinear(14, 5), torch.Generator().manual_seed(0))
    layer.weight.fill_(127)
    layer.bias.copy_(-LOWER_ZERO * layer.weight.sum(1))
    layer.n.fill_(31)
    x = torch.tensor([[2**15 - 1] * 14, [-2**15 + 1] * 14], dtype=torch.int16)
    assert layer(x).tolist() == [[2**15 - 1] * 5, [-2**15 + 1] * 5]


@settings(max_examples=50)
@given(seed=st.integers(0, 2**31))
def test_lowered_it_is_the_float_layer(seed):
    """To the rounding of its weights, which is the same in both."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randint(-127, 128, (5, 14), generator=generator).double()
    weight[:, 0] = 127  # so that the scale of the weights is 1
    bias = torch.randint(-99, 100, (5, ), generator=generator).double()
    layer = IntWideLinear(14, 5)
    x = torch.randint(-2**15 + 1, 2**15, (20, 14), generator=generator)
    logits = x.double() * 2.0**-15 @ weight.T + bias
    scale = logits.abs().max().item() / 2**14
    lower_linear(layer, weight, bias, 2.0**-15, scale, 8, zero=LOWER_ZERO)
    error = layer(x.to(torch.int16)).double() - logits / scale
    assert error.abs().max() <= 1
