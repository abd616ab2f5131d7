import pytest
import torch
from torch import nn

from iptq_mm.assignment import AssignmentPolicy
from iptq_mm.engine.artifact.int_model import stored_bytes
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.quantization import budget
from iptq_mm.engine.quantization.calibrate import Calibration
from iptq_mm.engine.quantization.quantize import quantize_backbone
from iptq_mm.engine.quantization.select import Selection
from iptq_mm.evaluation.hard_variant import hardened
from iptq_mm.lowering import lowering_of
from iptq_mm.models.detectors.swin_backbone import (
    DEFAULT_BITS,
    DEFAULT_FUNCTIONS,
)
from iptq_mm.registry import APPROXIMATIONS

from quantized import float_swin, sqnr_db

TINY = dict(
    embed_dims=8, depths=(1, 2), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)
GELU = 'stages.1.blocks.1.ffn.layers.0.1'


@pytest.fixture
def images():
    return list(torch.randn(3, 1, 3, 32, 32, generator=torch.manual_seed(1)))


def quantize(swin, images, num_batches=3, observer='mse', fit='layer',
             rounding='nearest', equalize=False, compensate=False,
             progress=lambda *_: None, bits={}, budget=None, **policy):
    policy.setdefault('forced', DEFAULT_FUNCTIONS)
    return quantize_backbone(
        swin,
        Calibration(images, num_batches, dict(type=observer), 0, progress),
        Selection(AssignmentPolicy(**policy), fit), {**DEFAULT_BITS, **bits},
        rounding, equalize, compensate, budget)


def test_same_arguments_same_integers(images):
    first = quantize(float_swin(**TINY), images)
    second = quantize(float_swin(**TINY), images)
    assert first.functions == second.functions
    states = first.backbone.state_dict(), second.backbone.state_dict()
    assert states[0].keys() == states[1].keys()
    assert all(
        torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_float_backbone_stays_as_it_is(images):
    swin = float_swin(**TINY)
    before = {key: value.clone() for key, value in swin.state_dict().items()}
    quantize(swin, images)
    assert all(
        torch.equal(before[key], value)
        for key, value in swin.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks
                   for module in swin.modules())


def test_forced_candidate_is_assigned_and_the_others_are_scored(images):
    result = quantize(float_swin(**TINY), images)
    choice = result.choices[GELU]
    assert choice.assigned.name == 'poly_gelu'
    assert set(choice.scores) == {
        name for name, cls in APPROXIMATIONS.module_dict.items()
        if cls.kind == 'gelu'
    }
    assert result.functions[GELU] == 'poly_gelu'


def test_metric_chooses_where_nothing_is_forced(images):
    choice = quantize(float_swin(**TINY), images, forced={}).choices[GELU]
    best = max(choice.scores, key=lambda name: choice.scores[name].omega)
    assert choice.assigned.name == best


def test_candidates_can_be_restricted(images):
    choice = quantize(
        float_swin(**TINY), images, forced={},
        candidates=dict(gelu=['i_gelu'])).choices[GELU]
    assert list(choice.scores) == ['i_gelu']
    assert choice.assigned.name == 'i_gelu'


def test_mixed_model_is_calibrated(images):
    """Stage 3: a function that is far off moves the ranges after it."""
    swin = float_swin(**TINY)
    names = [quantize(swin, images, observer='min_max', forced={
        **DEFAULT_FUNCTIONS, 'softmax': softmax}) for softmax in
             ('bit_softmax', 'shiftmax')]
    scales = [result.backbone.dequantize[1].scale.m for result in names]
    assert scales[0] != scales[1]


@pytest.mark.parametrize('equalize, least', [(True, 20), (False, None)])
def test_equalization_stands_large_channels(images, equalize, least):
    swin = float_swin(**TINY)
    hard = hardened(swin, lowering_of(swin, DEFAULT_BITS).readers(), 600., .1,
                    seed=0)
    integer = quantize(hard, images, equalize=equalize).backbone
    with torch.no_grad():
        found = min(map(sqnr_db, swin(images[0]), integer(images[0])))
    assert found > least if least else found < 10


def test_compensation_brings_4_bit_weights_closer(images):
    swin = float_swin(**TINY)
    found = []
    for rounding in ('mse', 'gptq'):
        integer = quantize(swin, images, rounding=rounding,
                           bits=dict(weight=4)).backbone
        with torch.no_grad():
            found.append(sqnr_db(swin(images[0])[1], integer(images[0])[1]))
    assert found[1] > found[0] + 1


def test_a_layer_makes_up_for_those_before_it(images):
    swin = float_swin(**TINY)
    found = []
    for compensate in (False, True):
        integer = quantize(swin, images, rounding='gptq', bits=dict(weight=4),
                           compensate=compensate).backbone
        with torch.no_grad():
            found.append(sqnr_db(swin(images[0])[1], integer(images[0])[1]))
    assert found[1] > found[0] + .5


def test_a_budget_is_kept_with_compensation(images):
    small, large = sizes(images)
    budget = (small + large) / 2
    result = quantize(float_swin(**TINY), images, rounding='gptq',
                      compensate=True, budget=budget)
    assert small <= stored_bytes(result.backbone.state_dict()) <= budget
    assert set(result.widths.values()) == {4, 8}


def test_a_budget_is_kept_at_the_second_try(images, monkeypatch):
    """Integers that come out wider than those that were weighed."""
    small, large = sizes(images)
    told = []

    def larger_at_first(state):
        told.append(stored_bytes(state))
        # After both widths: the first one that is to be kept.
        return told[-1] + (large - small) / 4 * (len(told) == 3)

    monkeypatch.setattr(budget, 'stored_bytes', larger_at_first)
    result = quantize(float_swin(**TINY), images, rounding='gptq',
                      compensate=True, budget=large - 1)
    assert len(told) == 4
    assert stored_bytes(result.backbone.state_dict()) < large


def test_progress_is_told(images):
    seen = []
    quantize(float_swin(**TINY), images,
             progress=lambda *call: seen.append(call))
    assert ('observing the float model', 3, 3) in seen
    assert ('observing the mixed model', 3, 3) in seen
    assert ('scoring the candidates', 16, 16) in seen


@pytest.mark.parametrize('wrong, says', [
    (dict(num_batches=4), 'has 3 batches, num_batches=4'),
    (dict(num_batches=0), 'at least one batch'),
    (dict(observer='best'), "no observer 'best'; there are: .*mse"),
    (dict(rounding='up'), "no rounding 'up'; there are: gptq, mse"),
    (dict(fit='tight'), "no fit 'tight'; there are: layer"),
    (dict(forced=dict(gelu='relu')), "'relu' is no candidate for gelu"),
    (dict(candidates=dict(gelus=['i_gelu'])), "no kind 'gelus'"),
    (dict(normalization='best', forced={}), "no normalization 'best'"),
])
def test_wrong_settings(images, wrong, says):
    with pytest.raises(UserError, match=says):
        quantize(float_swin(**TINY), images, **wrong)


def test_empty_calibration_set():
    with pytest.raises(UserError, match='has 0 batches'):
        quantize(float_swin(**TINY), [])


def test_activation_that_is_not_finite_is_named(images):
    swin = float_swin(**TINY)
    with torch.no_grad():
        swin.stages[0].blocks[0].ffn.layers[0][0].weight[0] = 3e38
    images[1] = images[1] * 1e6
    with pytest.raises(UserError, match=r'stages\.0\.blocks\.0\.ffn'):
        quantize(swin, images)


def test_no_swin(images):
    with pytest.raises(TypeError, match='Conv2d'):
        quantize(nn.Conv2d(3, 8, 3), images)


def sizes(images):
    return [stored_bytes(quantize(float_swin(**TINY), images, rounding='gptq',
                                  bits=dict(weight=bits)).backbone.state_dict())
            for bits in (4, 8)]


@pytest.mark.parametrize('share', [0, .3, .9, 1, 2])
def test_a_budget_is_kept_and_used(images, share):
    small, large = sizes(images)
    budget = small + share * (large - small)
    result = quantize(float_swin(**TINY), images, rounding='gptq',
                      budget=budget)
    found = stored_bytes(result.backbone.state_dict())
    assert small <= found <= min(budget, large)
    assert found > small or not share
    widths = list(result.widths.values())
    assert widths.count(4) == {0: len(widths), 1: 0, 2: 0}.get(
        share, widths.count(4))
    assert 'backbone/stages.0.blocks.0.attn.w_msa.qkv' in result.widths
    assert not any('patch_embed' in layer for layer in result.widths)


def test_a_budget_below_4_bits_is_refused(images):
    small, _ = sizes(images)
    with pytest.raises(UserError, match='with all weights of 4 bits'):
        quantize(float_swin(**TINY), images, rounding='gptq',
                 budget=small - 1)
