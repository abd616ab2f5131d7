import math

import pytest
import torch
from torch import nn

from iptq_mm.assignment import GELULayer, SoftmaxLayer
from iptq_mm.evaluation.activations import activations, layer_sensitivity
from iptq_mm.evaluation.integer_functions import OutputSQNR, integer_functions
from iptq_mm.registry import APPROXIMATIONS

LAYERS = {'0': GELULayer(2**-5, 2**-5), '2': GELULayer(2**-5, 2**-5)}
I_GELU = APPROXIMATIONS.get('i_gelu')()


class TwoOutputs(nn.Sequential):
    """GELU -> linear -> GELU; what the first and the second give."""

    def __init__(self):
        super().__init__(nn.GELU(), nn.Linear(4, 4), nn.GELU())

    def forward(self, x):
        first = self[0](x)
        return [first, self[2](self[1](first))]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return TwoOutputs().eval()


@pytest.fixture
def x():
    return torch.randn(64, 4, generator=torch.manual_seed(1))


@torch.no_grad()
def test_only_the_named_module_is_replaced_and_only_inside(model, x):
    exact = model(x)
    with integer_functions(model, LAYERS, {'2': I_GELU}):
        first, second = model(x)
    assert torch.equal(first, exact[0])
    integer = LAYERS['2'].integer(model[1](first), I_GELU).float()
    assert torch.equal(second, integer) and not torch.equal(second, exact[1])
    assert torch.equal(model(x)[1], exact[1])


@torch.no_grad()
def test_hooks_are_taken_off_after_an_error(model, x):
    exact = model(x)
    with pytest.raises(RuntimeError):
        with integer_functions(model, LAYERS, {'0': I_GELU}):
            raise RuntimeError
    assert torch.equal(model(x)[0], exact[0])


def test_masked_scores_have_no_probability():
    scores = torch.tensor([[1., 0., -100.]])
    layer, model = SoftmaxLayer(2.**-10), nn.Sequential(nn.Softmax(-1))
    for name in ('bit_softmax', 'i_softmax', 'table_softmax'):
        candidate = APPROXIMATIONS.get(name)()
        with integer_functions(model, {'0': layer}, {'0': candidate}):
            y = model(scores)
        assert y.dtype == torch.float32 and y[0, 2] == 0
        assert y.sum() == pytest.approx(1, abs=.05)


@torch.no_grad()
def test_output_sqnr_is_that_of_the_mean_noise_to_signal_ratio(model, x):
    sqnr = OutputSQNR(model, [x[:32], x[32:]])
    assert sqnr() == math.inf
    exact = model(x)
    with integer_functions(model, LAYERS, {'2': I_GELU}):
        changed, value = model(x), sqnr()
    noise = (exact[1] - changed[1]).double().square().sum()
    ratio = noise / exact[1].double().square().sum() / 2
    assert value == pytest.approx(-10 * math.log10(ratio), abs=1e-6)


def test_sensitivity_is_measured_one_layer_at_a_time(model, x):
    sqnr = OutputSQNR(model, [x])
    sensitivity = layer_sensitivity(sqnr, LAYERS, {'0': I_GELU, '2': I_GELU})
    assert list(sensitivity) == ['0', '2'] and sqnr() == math.inf
    for layer, value in sensitivity.items():
        with integer_functions(model, LAYERS, {layer: I_GELU}):
            assert sqnr() == value < math.inf


def test_statistics_of_outputs(x):
    table = APPROXIMATIONS.get('table_gelu')()
    layer = LAYERS['0']
    found = activations('0', layer, x, dict(i_gelu=I_GELU, table_gelu=table))
    assert list(found.outputs) == ['float', 'i_gelu', 'table_gelu']
    exact = found.statistics('float')
    assert exact.rms == exact.bias == exact.linf == 0
    assert exact.mean == pytest.approx(nn.functional.gelu(x).mean().item())
    ours, theirs = found.statistics('table_gelu'), found.statistics('i_gelu')
    assert ours.rms < theirs.rms and ours.sqnr_db > theirs.sqnr_db
    # Half a step of the input, at a slope of 1.13 at most, and of the output.
    assert ours.linf <= 2.13 / 2 * 2**-5
    assert ours.min >= -.17 - 2**-5 and ours.max <= x.max() + 2**-5
