import pytest
import torch

from iptq_mm.calibration import SecondMoments
from iptq_mm.lowering.rounding.recorded import Recorded, with_widths
from iptq_mm.lowering.rounding.rounding import roundings
from iptq_mm.nn.packed import pack_weight

GENERATOR = torch.Generator().manual_seed(0)
ROWS = torch.randn(500, 40, generator=GENERATOR) + torch.randn(
    40, generator=GENERATOR)
WEIGHT = torch.randn(6, 40, generator=GENERATOR).double()
LEAST = torch.full((6, ), 1e-9).double()


def moments():
    seen = SecondMoments()
    seen.observe(ROWS)
    return {'layer': seen}


@pytest.mark.parametrize('bits', [4, 8])
def test_q_is_the_sqnr_of_the_output(bits):
    recorded = Recorded('gptq', moments())
    made = recorded('layer')(WEIGHT, LEAST, bits)
    rows = ROWS.double()
    exact = rows @ WEIGHT.T
    integers = made.scale[:, None] * made.integers
    error = exact - (rows @ integers.T + made.bias)
    measured = recorded.measures['layer', bits]
    ratio = exact.square().sum() / error.square().sum()
    assert measured.Q == pytest.approx(10 * ratio.log10().item(), abs=1e-3)
    assert measured.P == pytest.approx(error.square().mean().item(), rel=1e-3)


def test_c_is_what_is_stored():
    recorded = Recorded('gptq', moments())
    for bits in (4, 8):
        made = recorded('layer')(WEIGHT, LEAST, bits)
        stored = made.integers.to(torch.int8)
        if bits == 4:
            stored = pack_weight(stored)
        assert recorded.measures['layer', bits].C == stored.nbytes


def test_it_rounds_as_the_rule_and_once_only():
    recorded = Recorded('gptq', moments())
    columns, divisors = torch.arange(39, -1, -1), torch.linspace(.5, 2, 40)
    first = recorded('layer', divisors, columns)(WEIGHT, LEAST, 4)
    plain = roundings('gptq', moments())('layer', divisors, columns)
    assert torch.equal(first.integers, plain(WEIGHT, LEAST, 4).integers)
    assert recorded('layer', divisors, columns)(WEIGHT, LEAST, 4) is first
    assert recorded('layer', divisors, columns)(WEIGHT, LEAST,
                                                8) is not first


def test_a_layer_that_nobody_saw():
    recorded = Recorded('gptq', {})
    made = recorded('other')(WEIGHT, LEAST, 8)
    error = WEIGHT - made.scale[:, None] * made.integers
    ratio = WEIGHT.square().sum() / error.square().sum()
    assert recorded.measures['other', 8].Q == pytest.approx(
        10 * ratio.log10().item())


def test_some_layers_have_widths_of_their_own():
    plain = roundings('mse', {})
    mixed = with_widths(plain, {'a': 4})
    assert torch.equal(
        mixed('a')(WEIGHT, LEAST, 8).integers,
        plain('a')(WEIGHT, LEAST, 4).integers)
    assert torch.equal(
        mixed('b')(WEIGHT, LEAST, 8).integers,
        plain('b')(WEIGHT, LEAST, 8).integers)
