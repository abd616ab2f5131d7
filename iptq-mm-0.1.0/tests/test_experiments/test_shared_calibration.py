import pytest
import torch

from iptq_mm.experiments.shared_calibration import remembered
from iptq_mm.lowering.rounding.rounding import nearest_everywhere

WEIGHT, SCALE = torch.tensor([[1., 2.]]).double(), torch.ones(1).double()


@pytest.fixture
def asked():
    return []


@pytest.fixture
def roundings(asked):

    def of_layer(layer, divisors=None, columns=None, gains=None):
        asked.append(layer)
        return nearest_everywhere(layer, divisors, columns, gains)

    return remembered(of_layer)


def test_the_same_question_is_answered_once(roundings, asked):
    first = roundings('fc')(WEIGHT, SCALE, 8)
    assert roundings('fc')(WEIGHT.clone(), SCALE.clone(), 8) is first
    assert asked == ['fc']


@pytest.mark.parametrize('question', [
    ('fc2', WEIGHT, SCALE, 8), ('fc', WEIGHT, SCALE, 4),
    ('fc', 2 * WEIGHT, SCALE, 8), ('fc', WEIGHT, 3 * SCALE, 8)])
def test_another_question_has_its_own_answer(roundings, question):
    roundings('fc')(WEIGHT, SCALE, 8)
    layer, *arguments = question
    for ours, theirs in zip(
            roundings(layer)(*arguments),
            nearest_everywhere(layer)(*arguments)):
        assert torch.equal(ours, theirs)
