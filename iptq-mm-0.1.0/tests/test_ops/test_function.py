import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iptq_mm import ops
from iptq_mm.registry import APPROXIMATIONS

GELUS = sorted(name for name, cls in APPROXIMATIONS.module_dict.items()
               if cls.kind == 'gelu')


def codes(candidate):
    """All inputs, and the scale at which they reach from -4 to 4."""
    largest = 2**(7 + candidate.extra_bits) - 1
    dtype = torch.int16 if candidate.extra_bits else torch.int8
    return torch.arange(-largest, largest + 1).to(dtype), 4 / largest


@pytest.mark.parametrize('name', GELUS)
@given(st.integers(-127, 127), st.sampled_from([4, 8]))
def test_a_zero_point_is_added_before_saturation(name, zero, bits):
    candidate = APPROXIMATIONS.get(name)
    x, scale = codes(candidate)
    params = candidate().lower(scale, 4 / 254)
    largest = 2**(bits - 1) - 1
    expected = (candidate.integer(x, params) + zero).clamp(-largest, largest)
    found = ops.gelu(x, name, ops.with_zero_point(zero, params), bits)
    assert torch.equal(found.long(), expected)


@pytest.mark.parametrize('name', GELUS)
def test_a_zero_point_saves_the_codes_below_the_minimum(name):
    """The same range of outputs at half the step."""
    candidate, errors = APPROXIMATIONS.get(name)(), []
    x, in_scale = codes(candidate)
    for zero, scale in ((0, 4 / 127), (-127 + 10, 4.17 / 254)):
        params = ops.with_zero_point(zero, candidate.lower(in_scale, scale))
        y = (ops.gelu(x, name, params).double() - zero) * scale
        errors.append((y - candidate.ideal(x * in_scale)).abs().max())
    assert errors[1] < 0.6 * errors[0]
