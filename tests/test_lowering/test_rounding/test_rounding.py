import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm.calibration import SecondMoments
from iptq_mm.lowering import ROUNDINGS
from iptq_mm.lowering.rounding.rounding import Rounded, roundings

NAMES = sorted(ROUNDINGS.module_dict)


def rounded(name, weight, rows=None, bits=4):
    moments = {}
    if rows is not None:
        moments['layer'] = SecondMoments()
        moments['layer'].observe(rows)
    least = torch.full((len(weight), ), 1e-9, dtype=torch.float64)
    return roundings(name, moments)('layer')(weight, least, bits)


def correlated(seed=0, rows=400, length=24):
    """Rows whose channels hang together, with means that are not zero."""
    g = torch.Generator().manual_seed(seed)
    mixing = torch.randn(length // 3, length, generator=g)
    x = torch.randn(rows, length // 3, generator=g) @ mixing
    return x + .1 * torch.randn(rows, length, generator=g) + torch.randn(
        length, generator=g)


def weights(seed=0, rows=10, length=24):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(rows, length, generator=g).double()


def output_error(weight, result: Rounded, rows):
    """Mean squared error of what the layer puts out."""
    error = weight - result.scale[:, None] * result.integers
    return (rows.double() @ error.T - result.bias).square().mean().item()


def test_names():
    assert NAMES == ['gptq', 'mse', 'nearest']


@pytest.mark.parametrize('bits', [2, 4, 8])
@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('seen', [False, True])
def test_integers_keep_to_their_width(name, bits, seen):
    result = rounded(name, weights(), correlated() if seen else None, bits)
    grouped = name != 'nearest' and bits <= 4
    largest = 127 if grouped else 2**(bits - 1) - 1
    assert result.integers.abs().max() <= largest
    assert torch.equal(result.integers, result.integers.round())
    assert (result.scale > 0).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), bits=st.sampled_from([3, 4, 8]))
def test_clipping_never_costs_more_than_it_saves(seed, bits):
    weight = weights(seed)
    errors = []
    for name in ('nearest', 'mse'):
        result = rounded(name, weight, bits=bits)
        errors.append((weight - result.scale[:, None] * result.integers
                       ).square().sum(1))
    assert (errors[1] <= errors[0] * (1 + 1e-9)).all()


def test_clipping_saves_a_lot_beside_an_outlier():
    weight = weights(length=256)
    weight[:, 0] = 8.
    errors = []
    for name in ('nearest', 'mse'):
        result = rounded(name, weight)
        errors.append((weight - result.scale[:, None] * result.integers
                       ).square().sum().item())
    assert errors[1] < .8 * errors[0]


@pytest.mark.parametrize('name', NAMES)
def test_the_mean_of_the_output_stays(name):
    weight, rows = weights(), correlated()
    result = rounded(name, weight, rows)
    error = weight - result.scale[:, None] * result.integers
    shift = rows.double().mean(0) @ error.T - result.bias
    assert shift.abs().max() < 1e-5
    assert result.bias.abs().max() > 1e-2


@pytest.mark.parametrize('bits', [4, 8])
def test_compensation_more_than_halves_the_error(bits):
    weight, rows = weights(), correlated()
    mse, gptq = (output_error(weight, rounded(name, weight, rows, bits), rows)
                 for name in ('mse', 'gptq'))
    assert gptq < .5 * mse


def test_compensation_holds_on_rows_that_were_not_seen():
    weight, rows = weights(), correlated(rows=4000)
    results = (rounded(name, weight, rows[:2000]) for name in ('mse', 'gptq'))
    mse, gptq = (output_error(weight, result, rows[2000:])
                 for result in results)
    assert gptq < .5 * mse


def test_compensation_reaches_from_block_to_block(monkeypatch):
    weight, rows = weights(), correlated()
    whole = rounded('gptq', weight, rows)
    monkeypatch.setattr('iptq_mm.lowering.rounding.gptq.BLOCK', 7)
    assert torch.equal(rounded('gptq', weight, rows).integers, whole.integers)


@pytest.mark.parametrize('rows', [
    torch.zeros(5, 24), torch.ones(5, 24),
    torch.eye(24)[:3], 1e-6 * correlated(), 1e4 * correlated()
])
def test_degenerate_inputs_still_give_integers_near_the_weights(rows):
    weight = weights()
    result = rounded('gptq', weight, rows, bits=8)
    error = weight - result.scale[:, None] * result.integers
    assert error.abs().max() < .2
    assert result.bias.isfinite().all()


def test_a_covariance_that_rounding_made_indefinite(monkeypatch):
    """Of rows that are all alike float32 leaves anything."""
    weight, moments = weights(), SecondMoments()
    moments.observe(correlated()[:1].repeat(400, 1))
    broken = moments.covariance - 2. * torch.eye(24, dtype=torch.float64)
    assert torch.linalg.eigvalsh(broken).min() < 0
    monkeypatch.setattr(SecondMoments, 'covariance', broken)
    result = roundings('gptq', dict(layer=moments))('layer')(
        weight, torch.full((10, ), 1e-9, dtype=torch.float64), 8)
    error = weight - result.scale[:, None] * result.integers
    assert error.abs().max() < .2


def test_a_layer_where_nobody_looked_is_clipped():
    weight = weights()
    for found, expected in zip(rounded('gptq', weight),
                               rounded('mse', weight)):
        assert torch.equal(found, expected)
