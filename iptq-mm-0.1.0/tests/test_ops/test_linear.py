from fractions import Fraction
from math import floor

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm import ops
from iptq_mm.arithmetic import MAX_SHIFT

multipliers = st.integers(2**30, 2**31 - 1)
shifts = st.integers(0, MAX_SHIFT)


def exact(acc: int, m: int, n: int, bits: int) -> int:
    """The contract's requantization in exact rational arithmetic."""
    limit = 2**(bits - 1) - 1
    rounded = floor(Fraction(acc * m, 2**n) + Fraction(1, 2) *
                    (n > 0))  # round half up
    return max(-limit, min(limit, rounded))


def layer(inputs, outputs, m, n, seed):
    generator = torch.Generator().manual_seed(seed)
    draw = dict(generator=generator, dtype=torch.int64)
    weight = torch.randint(-127, 128, (outputs, inputs), **draw)
    bias = torch.randint(-2**20, 2**20, (outputs, ), **draw)
    return (weight.to(torch.int8), bias.to(torch.int32),
            torch.full((outputs, ), m), torch.full((outputs, ), n))


@settings(max_examples=60)
@given(
    rows=st.integers(1, 5), inputs=st.integers(1, 40),
    outputs=st.integers(1, 9), m=multipliers, n=shifts,
    bits=st.sampled_from([4, 8, 16]), seed=st.integers(0, 10**6))
def test_linear_is_the_exact_rational_result(rows, inputs, outputs, m, n, bits,
                                             seed):
    weight, bias, ms, ns = layer(inputs, outputs, m, n, seed)
    x = torch.randint(-127, 128, (rows, inputs), dtype=torch.int8)
    y = ops.linear(x, weight, bias, ms, ns, bits)
    assert y.dtype == (torch.int8 if bits <= 8 else torch.int16)
    accumulators = (x.tolist(), weight.tolist(), bias.tolist())
    for i, row in enumerate(accumulators[0]):
        for j, channel in enumerate(accumulators[1]):
            acc = sum(a * b for a, b in zip(row, channel)) + bias[j].item()
            assert y[i, j] == exact(acc, m, n, bits)


def test_accumulator_holds_its_proven_range():
    inputs = 2**31 // 127**2 - 100  # K 127^2 + |bias| just below 2^31
    x = torch.full((1, inputs), 127, dtype=torch.int8)
    weight = torch.full((1, inputs), -127, dtype=torch.int8)
    bias = torch.tensor([-(2**31 - 1 - inputs * 127**2)], dtype=torch.int32)
    y = ops.linear(x, weight, bias, torch.tensor([2**30]), torch.tensor([46]),
                   16)
    assert y.item() == exact(-(2**31 - 1), 2**30, 46, 16)


def test_add_saturates_only_the_sum():
    weight, bias, _, _ = layer(8, 4, 0, 0, 0)
    m, n = torch.full((4, ), 2**30), torch.full((4, ), 30)  # ratio 1
    x = torch.full((1, 8), 127, dtype=torch.int8)
    stream = torch.full((1, 4), -32767, dtype=torch.int16)
    acc = x.to(torch.int64) @ weight.to(torch.int64).T + bias
    assert acc.abs().max() > 32767  # the branch alone would saturate
    y = ops.linear_add(x, weight, bias, m, n, stream)
    assert torch.equal(y.to(torch.int64), (acc - 32767).clamp(-32767, 32767))


def test_add_of_two_streams_saturates():
    x = torch.tensor([32767, -32767, 5], dtype=torch.int16)
    assert ops.add(x, x).tolist() == [32767, -32767, 10]
