import pytest
import torch

import iptq_mm.functions  # noqa: F401
from iptq_mm.evaluation.function_error import (
    exponential_curves,
    function_errors,
    gelu_curves,
)
from iptq_mm.registry import APPROXIMATIONS


@pytest.fixture(scope='module')
def errors():
    return {error.name: error for error in function_errors()}


@pytest.mark.parametrize('name, rms, linf', [
    ('poly_gelu', .0051, .0093),
    ('i_gelu', None, .018),
    ('shiftmax', None, .043),
    ('bit_softmax', None, .07),
    ('bit_softmax on (-1, 0]', None, .19),
])
def test_published_figures(errors, name, rms, linf):
    assert errors[name].linf == pytest.approx(linf, abs=.5 * 10**-(
        3 if linf < .1 else 2) if name != 'poly_gelu' else 5e-5)
    if rms is not None:
        assert errors[name].rms == pytest.approx(rms, abs=5e-5)


def test_tables_are_within_half_an_output_step(errors):
    assert errors['table_gelu'].integer_linf_steps <= .5
    # and what the chords between its entries add
    assert errors['table_softmax'].integer_linf_steps <= .51
    assert errors['i_gelu'].integer_linf_steps > .6


def test_every_candidate_is_there_with_its_range(errors):
    names = set(APPROXIMATIONS.module_dict)
    assert names == errors.keys() - {'bit_softmax on (-1, 0]'}
    for name in names:
        cls = APPROXIMATIONS.get(name)
        assert errors[name].kind == cls.kind
        assert errors[name].integer_linf_steps > 0
        if cls.kind == 'gelu':
            assert errors[name].range == (-3, 3)
        elif cls.kind == 'softmax':
            assert errors[name].range == tuple(cls.reduced_range)


def test_curves_cover_their_range_ends_included():
    for curve in gelu_curves() + exponential_curves():
        x = curve.points()
        assert (x[0].item(), x[-1].item()) == pytest.approx(curve.range)
        assert torch.isfinite(curve.error()).all()
