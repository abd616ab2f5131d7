import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm import ops
from iptq_mm.arithmetic import requantize
from iptq_mm.guard import IntegerOnly


def layer(channels, outputs, kernel, generator):
    draw = dict(generator=generator)
    weight = torch.randint(-127, 128, (outputs, channels, kernel, kernel),
                           **draw)
    return (weight.to(torch.int8),
            torch.randint(-2**15, 2**15, (outputs, ), **draw).int(),
            torch.randint(2**30, 2**31, (outputs, ), **draw),
            torch.randint(36, 44, (outputs, ), **draw))


def exact_convolution(x, weight, bias, stride, padding):
    """In float64, which holds every accumulator exactly; [B, H, W, N]."""
    return F.conv2d(
        x.double().permute(0, 3, 1, 2), weight.double(), bias.double(),
        stride, padding).permute(0, 2, 3, 1).long()


@settings(max_examples=60)
@given(
    batch=st.integers(0, 2), height=st.integers(3, 9),
    width=st.integers(3, 9), channels=st.integers(1, 7),
    outputs=st.integers(1, 6), kernel=st.integers(1, 3),
    stride=st.integers(1, 3), padding=st.integers(0, 2), relu=st.booleans(),
    bits=st.sampled_from([4, 8, 16]), seed=st.integers(0, 10**6))
def test_conv2d_is_the_convolution_requantized(batch, height, width, channels,
                                               outputs, kernel, stride,
                                               padding, relu, bits, seed):
    generator = torch.Generator().manual_seed(seed)
    weight, bias, m, n = layer(channels, outputs, kernel, generator)
    x = torch.randint(-128, 128, (batch, height, width, channels),
                      generator=generator).to(torch.int8)
    with IntegerOnly():
        y = ops.conv2d(x, weight.permute(0, 2, 3, 1).flatten(1), bias, m, n,
                       kernel, stride, padding, relu, bits)
    expected = requantize(
        exact_convolution(x, weight, bias, stride, padding), m, n, bits)
    assert y.dtype == (torch.int8 if bits <= 8 else torch.int16)
    assert torch.equal(y, expected.clamp(min=0) if relu else expected)


def test_the_operator_gives_the_bits_of_its_reference():
    generator = torch.Generator().manual_seed(0)
    weight, bias, m, n = layer(40, 33, 3, generator)
    x = torch.randint(-128, 128, (2, 14, 11, 40),
                      generator=generator).to(torch.int8)
    args = (x, weight.permute(0, 2, 3, 1).flatten(1), bias, m, n, 3, 1, 1,
            True, 8)
    with IntegerOnly():
        expected = ops.conv2d(*args)
    assert expected.count_nonzero() > expected.numel() // 4
    assert torch.equal(ops.conv2d(*args), expected)
