import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm.calibration import SecondMoments
from iptq_mm.lowering.rounding.groups import (
    finest_scale,
    grouped,
    integer_steps,
    spread,
)
from iptq_mm.lowering.rounding.rounding import roundings
from iptq_mm.nn.packed import codes_and_steps, stored_bits


def rounded(name, weight, bits, rows=None, columns=None):
    moments = {}
    if rows is not None:
        moments['layer'] = SecondMoments()
        moments['layer'].observe(rows)
    least = torch.full((len(weight), ), 1e-9, dtype=torch.float64)
    return roundings(name, moments)('layer', columns=columns)(
        weight, least, bits)


@settings(max_examples=50)
@given(rows=st.integers(1, 4), length=st.integers(5, 100),
       bits=st.integers(2, 4), spread=st.integers(0, 12),
       seed=st.integers(0, 10**6))
def test_codes_and_steps_fit_their_bits(rows, length, bits, spread, seed):
    """Whatever lies between the largest and the smallest group."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(rows, length, generator=generator).double()
    weight *= 2.**-torch.randint(spread + 1, (rows, length),
                                 generator=generator)
    integers = rounded('mse', weight, bits).integers
    assert integers.abs().max() <= 31
    codes, steps = codes_and_steps(integers.to(torch.int8))
    assert codes.abs().max() <= 2**(bits - 1) - 1
    assert stored_bits(integers.to(torch.int8)) == 4
    assert steps.shape == (rows, -(-length // 32))


def test_steps_are_near_what_is_wanted():
    wanted = torch.tensor([[1., .5, .01]]).double()
    scale = finest_scale(wanted, 4)
    assert integer_steps(wanted, scale).tolist() == [[4, 2, 1]]
    assert spread(torch.tensor([[1, 2]]), 40).tolist() == [[1] * 32 + [2] * 8]
    assert grouped(torch.ones(2, 40)).sum(-1).tolist() == [[32, 8]] * 2


def test_a_large_group_leaves_the_others_their_codes():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(8, 128, generator=generator).double()
    weight[:, :32] *= 4
    result = rounded('mse', weight, 4)
    error = (weight - result.scale[:, None] * result.integers)[:, 32:]
    # In one group of four times the range, these would have four codes.
    assert error.square().mean() < .03


def test_groups_lie_as_the_weights_are_stored():
    """The moments come in the order of the float inputs."""
    generator = torch.Generator().manual_seed(1)
    columns = torch.randperm(96, generator=generator)
    weight = torch.randn(4, 96, generator=generator).double()
    rows = torch.randn(300, 96) * torch.linspace(.1, 3, 96)
    there = rounded('gptq', weight[:, columns], 4, rows, columns)
    here = rounded('gptq', weight[:, columns], 4, rows[:, columns])
    assert torch.equal(there.integers, here.integers)
    assert stored_bits(there.integers.to(torch.int8)) == 4
