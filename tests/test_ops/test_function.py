import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iptq_mm import ops
from iptq_mm.registry import APPROXIMATIONS

GELUS = sorted(name for name, cls in APPROXIMATIONS.module_dict.items()
               if cls.kind == 'gelu')
CODES = torch.arange(-127, 128, dtype=torch.int8)


@pytest.mark.parametrize('name', GELUS)
@given(st.integers(-127, 127), st.sampled_from([4, 8]))
def test_a_zero_point_is_added_before_saturation(name, zero, bits):
    candidate = APPROXIMATIONS.get(name)
    params = candidate().lower(4 / 127, 4 / 254)
    largest = 2**(bits - 1) - 1
    expected = (candidate.integer(CODES, params) + zero).clamp(
        -largest, largest)
    found = ops.gelu(CODES, name, ops.with_zero_point(zero, params), bits)
    assert torch.equal(found.long(), expected)


@pytest.mark.parametrize('name', GELUS)
def test_a_zero_point_saves_the_codes_below_the_minimum(name):
    """The same range of outputs at half the step."""
    candidate, x = APPROXIMATIONS.get(name)(), CODES.double() * 4 / 127
    errors = []
    for zero, scale in ((0, 4 / 127), (-127 + 10, 4.17 / 254)):
        params = ops.with_zero_point(zero, candidate.lower(4 / 127, scale))
        y = (ops.gelu(CODES, name, params).double() - zero) * scale
        errors.append((y - candidate.ideal(x)).abs().max())
    assert errors[1] < 0.6 * errors[0]
