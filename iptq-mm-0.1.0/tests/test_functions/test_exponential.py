"""The integer exponentials against their float forms and against exp."""
import math

import pytest
import torch

from iptq_mm.functions.exponential import bit_exp, i_exp, shift_exp, table_exp
from iptq_mm.functions.fixed_point import ONE
from iptq_mm.registry import APPROXIMATIONS

TABLE = table_exp.table()
FORMS = {
    'i_exp': (i_exp.i_exp, i_exp.i_exp_float, i_exp, 18),
    'shift_exp': (shift_exp.shift_exp, shift_exp.shift_exp_float,
                  shift_exp, 18),
    'bit_exp': (bit_exp.bit_exp, bit_exp.bit_exp_float, bit_exp, 26),
    'table_exp': (lambda x: table_exp.table_exp(x, TABLE),
                  table_exp.table_exp_float, table_exp, 26)
}


def steps(low, high, count=200001):
    return torch.linspace(low, high, count, dtype=torch.float64)


@pytest.mark.parametrize('name', FORMS)
def test_integer_form_is_the_float_form(name):
    integer, ideal, module, depth = FORMS[name]
    x = torch.cat([-torch.arange(4096), (steps(-depth, 0) * ONE).long()])
    expected = ideal(x.double() / ONE)
    error = (integer(x).double() / ONE - expected).abs()
    assert (error <= module.RELATIVE_ERROR * expected + 2**-24).all()
    assert (integer(x) >= 0).all()


@pytest.mark.parametrize('name', FORMS)
def test_deepest_argument_gives_zero(name):
    integer, _, _, depth = FORMS[name]
    assert integer(torch.tensor([-depth * ONE * 2])).item() == 0


def largest_error(name, low, high):
    candidate = APPROXIMATIONS.get(name)()
    r = steps(low, high)
    exact = candidate.base**r
    return (candidate.exponential(r) - exact).abs().max().item()


@pytest.mark.parametrize('name, low, high, stated', [
    ('shiftmax', -1, 0, 0.043),
    ('bit_softmax', -1, 0, 0.19),
    ('bit_softmax', -0.5, 0.5, 0.07),
    ('i_softmax', -math.log(2), 0, 0.0021)
])
def test_stated_errors(name, low, high, stated):
    digits = len(str(stated)) - 2
    assert round(largest_error(name, low, high), digits) == stated


def test_chords_of_the_table():
    assert largest_error('table_softmax', 0, 1 - 1e-9) < 3e-5
    assert TABLE[0] == ONE and TABLE[-1] == 2 * ONE


def test_bit_exp_jumps_at_half_integers_by_what_it_says():
    below = bit_exp.bit_exp_float(steps(-0.5 - 1e-9, 0)[0])
    above = bit_exp.bit_exp_float(steps(-0.5, 0)[0])
    assert below / above - 1 == pytest.approx(bit_exp.JUMP, rel=1e-6)


def test_bit_exp_jumps_nowhere_else():
    x = (steps(-26, 0, 2000001) * ONE).long()
    from_jump = ((x + ONE // 2) % ONE + 2) % ONE
    x = x[from_jump > 4]
    expected = bit_exp.bit_exp_float(x.double() / ONE)
    error = (bit_exp.bit_exp(x).double() / ONE - expected).abs()
    assert (error <= 2**-19 * expected + 2**-24).all()
