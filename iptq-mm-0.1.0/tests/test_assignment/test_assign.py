import json

import pytest
import torch

from iptq_mm.assignment import (
    FITS,
    AssignmentPolicy,
    GELULayer,
    LayerNormLayer,
    assign,
)
from iptq_mm.registry import APPROXIMATIONS

WIDE, TINY, NORM = 'blocks.0.gelu', 'blocks.1.gelu', 'norm0'
LAYERS = {
    WIDE: GELULayer(4 / 127, 4 / 127),
    TINY: GELULayer(.01 / 127, .01 / 127),
    NORM: LayerNormLayer(4 / 32767, 4 / 127, 8, torch.ones(8),
                         torch.zeros(8), 1e-5),
}
KINDS = {name: layer.kind for name, layer in LAYERS.items()}


@pytest.fixture
def samples():
    g = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(40, 8, generator=g) * scale
        for name, scale in {WIDE: 1.3, TINY: .003, NORM: 1.}.items()
    }


def run(samples, fit='layer', normalization='minmax', **policy):
    names = AssignmentPolicy(**policy).competitors(KINDS)
    return assign(LAYERS, samples, FITS.get(fit)(names, samples),
                  normalization)


def test_every_layer_has_the_candidate_of_largest_omega(samples):
    choices = run(samples)
    assert list(choices) == list(LAYERS)
    for choice in choices.values():
        largest = max(s.omega for s in choice.scores.values())
        assert choice.scores[choice.assigned.name].omega == largest
        assert choice.assigned.kind == choice.kind


def test_a_forced_layer_is_scored_too(samples):
    choice = run(samples, forced={WIDE: 'i_gelu'})[WIDE]
    assert choice.assigned.name == 'i_gelu'
    assert list(choice.scores) == ['i_gelu']


def test_the_report_is_json_and_says_what_was_fitted(samples):
    choices = run(samples, candidates=dict(gelu=['i_gelu', 'poly_gelu']))
    entry = json.loads(json.dumps(choices[WIDE].report(WIDE)))
    assert list(entry) == ['name', 'kind', 'assigned', 'fitted', 'candidates']
    assert (entry['name'], entry['kind']) == (WIDE, 'gelu')
    assert entry['fitted'] == ['poly_gelu']
    assert list(entry['candidates']['i_gelu']) == ['Q', 'P', 'C', 'omega']
    # a range of 0.03 tells nothing of erf: the published coefficients
    assert choices[TINY].report(TINY)['fitted'] == []


def test_equal_data_gives_an_equal_assignment(samples):
    first, second = run(samples), run(samples)
    assert ({n: c.report(n) for n, c in first.items()} ==
            {n: c.report(n) for n, c in second.items()})


def test_progress_is_told(samples):
    told = []
    names = AssignmentPolicy().competitors(KINDS)
    assign(LAYERS, samples, FITS.get('published')(names, samples), 'raw',
           lambda *p: told.append(p))
    assert told == [(1, 3), (2, 3), (3, 3)]


class TestFits:
    poly = dict(gelu=['poly_gelu'])

    def coefficients(self, samples, fit):
        choices = run(samples, fit, candidates=self.poly)
        return [(choices[n].assigned.a, choices[n].assigned.b)
                for n in (WIDE, TINY)]

    def test_published(self, samples):
        plain = APPROXIMATIONS.get('poly_gelu')()
        assert self.coefficients(
            samples, 'published') == [(plain.a, plain.b)] * 2

    def test_per_layer(self, samples):
        own = APPROXIMATIONS.get('poly_gelu').fit(samples[WIDE])
        plain = APPROXIMATIONS.get('poly_gelu')()
        assert own.fitted
        assert self.coefficients(
            samples, 'layer') == [(own.a, own.b), (plain.a, plain.b)]

    def test_per_model(self, samples):
        joint = APPROXIMATIONS.get('poly_gelu').fit(
            torch.cat([samples[WIDE].flatten(), samples[TINY].flatten()]))
        assert self.coefficients(
            samples, 'model') == [(joint.a, joint.b)] * 2

    @pytest.mark.parametrize('fit', ['layer', 'model', 'published'])
    def test_layernorm_is_fitted_to_its_own_channels(self, samples, fit):

        class ChannelNorm:
            kind, name = 'layernorm', 'channel_norm'

            @classmethod
            def fit(cls, x):
                one = cls()
                one.seen = x
                return one

        APPROXIMATIONS.register_module(
            name='channel_norm', module=ChannelNorm)
        try:
            fitted = FITS.get(fit)({NORM: ['channel_norm']}, samples)
        finally:
            APPROXIMATIONS.module_dict.pop('channel_norm')
        assert torch.equal(fitted[NORM]['channel_norm'].seen, samples[NORM])
