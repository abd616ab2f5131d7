import pytest
import torch
from torch.nn import functional as F

from iptq_mm.assignment import (
    GELULayer,
    LayerNormLayer,
    Score,
    SoftmaxLayer,
    choose,
    measure,
    score_layer,
)
from iptq_mm.registry import APPROXIMATIONS


@pytest.fixture(autouse=True)
def zero_gelu():
    """A candidate that costs next to nothing and answers 0."""

    class ZeroGELU:
        kind, name, fitted = 'gelu', 'zero_gelu', False
        extra_bits = 0

        @staticmethod
        def operations(row_length):
            return 1.

        @staticmethod
        def lower(in_scale, out_scale):
            return torch.zeros(1, dtype=torch.int64)

        @staticmethod
        def integer(x, params):
            return x.long() * params

    APPROXIMATIONS.register_module(name='zero_gelu', module=ZeroGELU)
    yield ZeroGELU()
    APPROXIMATIONS.module_dict.pop('zero_gelu')


def candidate(name):
    return APPROXIMATIONS.get(name)()


def rows(length, count=20, scale=1.):
    g = torch.Generator().manual_seed(0)
    return scale * torch.randn(count, length, generator=g)


def test_gelu_is_measured_in_the_integers_of_the_model(zero_gelu):
    layer, x = GELULayer(4 / 127, 4 / 127), rows(16)
    good = measure(layer, x, candidate('i_gelu'))
    assert 30 < good.Q < 45
    y, q = F.gelu(x), layer.integer(x, candidate('i_gelu'))
    assert good.P == pytest.approx((y - q).square().mean().item())
    steps = q / layer.out_scale
    assert torch.equal(steps, steps.round()) and steps.abs().max() <= 127
    nothing = measure(layer, x, zero_gelu)
    assert nothing.Q == 0
    assert nothing.P == pytest.approx(F.gelu(x).square().mean().item())
    assert nothing.C == 1


def test_a_coarser_scale_costs_what_it_should():
    x = rows(16)
    fine, coarse = (measure(GELULayer(s / 127, s / 127), x,
                            candidate('poly_gelu')) for s in (4, 16))
    assert 8 < fine.Q - coarse.Q < 14  # two bits


def test_inputs_beyond_the_scale_saturate():
    layer = GELULayer(1 / 127, 1 / 127)
    y = layer.integer(torch.tensor([[50., -50.]]), candidate('i_gelu'))
    assert y[0, 0] == pytest.approx(F.gelu(torch.tensor(1.)).item(), abs=.02)


def test_softmax_with_a_masked_row():
    x = rows(49, scale=3)
    x[3, 10:] -= 100
    layer = SoftmaxLayer(10 / 32767)
    y = layer.integer(x, candidate('bit_softmax'))
    assert torch.equal(y[3, 10:], torch.zeros(39, dtype=torch.float64))
    assert measure(layer, x, candidate('bit_softmax')).Q > 20


def test_softmax_scores_beyond_what_candidates_take_saturate():
    x = torch.tensor([[0., -100.]])
    y = SoftmaxLayer(2.**-20).integer(x, candidate('bit_softmax'))
    assert y.tolist() == [[255 / 256, 0.]]


@pytest.mark.parametrize('bits, least', [(8, 38), (16, 80)])
def test_layernorm_with_its_affine(bits, least):
    torch.manual_seed(0)
    weight, bias = torch.rand(32) + .5, torch.randn(32)
    x = rows(32, scale=5)
    y = F.layer_norm(x, (32, ), weight, bias, 1e-5)
    out_scale = y.abs().max().item() / (2**(bits - 1) - 1)
    layer = LayerNormLayer(25 / 32767, out_scale, bits, weight, bias, 1e-5)
    found = measure(layer, x, candidate('i_layernorm'))
    assert found.Q > least
    assert found.C == candidate('i_layernorm').operations(32)


def test_score_layer_has_measures_and_omega_of_each(zero_gelu):
    layer = GELULayer(4 / 127, 4 / 127)
    candidates = dict(zero_gelu=zero_gelu, i_gelu=candidate('i_gelu'))
    scores = score_layer(layer, rows(16), candidates, 'minmax')
    assert list(scores) == ['zero_gelu', 'i_gelu']
    for name, one in candidates.items():
        s = scores[name]
        assert (s.Q, s.P, s.C) == measure(layer, rows(16), one)
    assert choose(scores) == 'i_gelu'
    assert choose(
        score_layer(layer, rows(16), candidates, 'raw')) == 'zero_gelu'


def test_of_equal_scores_the_cheaper_then_the_name():

    def scores(**omega_and_cost):
        return {n: Score(1., 1., c, w) for n, (w, c) in omega_and_cost.items()}

    assert choose(scores(a=(1., 9.), b=(1., 5.), c=(.5, 1.))) == 'b'
    assert choose(scores(b=(1., 5.), a=(1., 5.))) == 'a'
    assert choose(scores(b=(1. + 1e-15, 5.), a=(1., 5.))) == 'a'
    assert choose(scores(b=(1. + 1e-9, 5.), a=(1., 5.))) == 'b'
