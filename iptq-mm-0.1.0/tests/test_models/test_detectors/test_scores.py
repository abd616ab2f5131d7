"""Softmax of class scores, with each candidate."""
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from iptq_mm.assignment.policy import registered
from iptq_mm.models.detectors.program.assemble import MASK_REACH
from iptq_mm.models.detectors.program.dense import sigmoid
from iptq_mm.models.detectors.program.scores import (
    SCORE_BITS,
    SOFTMAX_BITS,
    ScoreSoftmax,
)
from iptq_mm.registry import APPROXIMATIONS

SCALE = 0.001


def lowered(name):
    softmax = ScoreSoftmax(name)
    softmax.params.copy_(APPROXIMATIONS.get(name)().lower(
        SCALE, SOFTMAX_BITS))
    return softmax


@pytest.mark.parametrize('name', registered('softmax'))
def test_a_candidate_has_thirty_fractional_bits(name):
    """Within its own bound of the exact function."""
    torch.manual_seed(0)
    logits = torch.randint(-10000, 10000, (200, 81), dtype=torch.int32)
    scores = lowered(name)(logits)
    candidate = APPROXIMATIONS.get(name)()
    bound = candidate.error_bound(SCALE, 81, SOFTMAX_BITS)
    ideal = candidate.ideal(logits.double() * SCALE)
    assert scores.dtype == torch.int32
    assert (scores / 2**SCORE_BITS - ideal).abs().max() <= bound


@pytest.mark.parametrize('name', registered('softmax'))
@given(st.integers(-2**15, 2**15 - 1))
@example(0)
def test_sigmoid_is_softmax_of_a_pair(name, logit):
    score = sigmoid(torch.tensor([logit]), lowered(name)).item()
    assert 0 <= score <= 2**SCORE_BITS
    # FQ-ViT's keep powers of two only.
    tolerance = 0.34 if name == 'log_int_softmax' else 0.05
    exact = torch.tensor(logit * SCALE).sigmoid().item()
    assert abs(score / 2**SCORE_BITS - exact) < tolerance


def test_the_sigmoid_of_masks_rounds_alike_everywhere():
    """No entry of its table is near a half: the last bits of a machine's
    exponential decide nothing."""
    step = MASK_REACH / 127
    exact = (torch.arange(-128, 128).double() * step).sigmoid() * 2**14
    away = (exact - exact.floor() - 0.5).abs()
    assert away.min() > 1e-4
