import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm.assignment.unified_metric import (
    MAX_SQNR_DB,
    omega,
    perturbation,
    softplus,
    sqnr_db,
)


def test_sqnr_of_known_noise():
    y = torch.tensor([3., -4.])
    assert sqnr_db(y, y + torch.tensor([.3, -.4])) == pytest.approx(
        20, abs=1e-4)
    assert sqnr_db(y, torch.zeros(2)) == pytest.approx(0)
    assert sqnr_db(y, 11 * y) == pytest.approx(-20)


def test_sqnr_at_its_ends():
    y, zero = torch.tensor([1., 2.]), torch.zeros(2)
    assert sqnr_db(y, y.clone()) == MAX_SQNR_DB
    assert sqnr_db(zero, zero) == MAX_SQNR_DB
    assert sqnr_db(zero, y) == -MAX_SQNR_DB
    y = y.double()
    assert sqnr_db(y, y + 1e-9) == MAX_SQNR_DB
    assert sqnr_db(y * 1e-30, y * 1e30) == -MAX_SQNR_DB


def test_perturbation_is_per_element():
    y = torch.tensor([[1., 2.], [3., 4.]])
    assert perturbation(y, y + .5) == .25


def test_softplus():
    assert softplus(0) == pytest.approx(math.log(2))
    assert softplus(1) == pytest.approx(math.log(1 + math.e))
    assert softplus(1000) == 1000
    assert 0 < softplus(-700) < 1e-300


def test_omega_of_the_design():
    # Q = 20 dB gives 1 / N(Q) = 0.05, P = 1e-4 gives N(P) = 0.693
    assert omega(20, 1e-4, 5) == pytest.approx(
        3 / (.05 + .6932 + 5.0067), rel=1e-4)


unit = st.floats(0, 1)


@settings(max_examples=100)
@given(unit, unit, unit)
def test_omega_rewards_q_and_punishes_p_and_c(q, p, c):
    here = omega(q, p, c)
    assert .73 < here < 1.4
    assert omega(q + .1, p, c) > here
    assert omega(q, p + .1, c) < here
    assert omega(q, p, c + .1) < here


@pytest.mark.parametrize('q', [-MAX_SQNR_DB, MAX_SQNR_DB])
def test_omega_is_finite_at_the_ends_of_q(q):
    assert 0 <= omega(q, 1e6, 1e6) < math.inf
