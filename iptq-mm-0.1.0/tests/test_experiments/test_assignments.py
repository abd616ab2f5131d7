import pytest

from iptq_mm.assignment import Measures
from iptq_mm.experiments.assignments import blind, without
from iptq_mm.experiments.search import assigned, score

MEASURES = dict(
    act=dict(
        close=Measures(40., 1e-4, 90.), cheap=Measures(20., 1e-2, 7.),
        middle=Measures(39., 1.2e-4, 8.)))
NAMES = dict(act=['cheap', 'close', 'middle'])


@pytest.mark.parametrize('reading', ['reference', 'minmax', 'zscore', 'rank'])
def test_a_term_that_is_blind_decides_nothing(reading):
    for quantity in Measures._fields:
        if quantity == 'C':
            continue
        changed = {
            'act': {
                name: one._replace(**{quantity: 7. * i + 1})
                for i, (name, one) in enumerate(MEASURES['act'].items())
            }
        }
        scores = [
            score(blind(measures, quantity), reading, NAMES)['act']
            for measures in (MEASURES, changed)
        ]
        assert scores[0] == scores[1]


def test_without_its_cost_the_closest_wins():
    assert assigned(score(blind(MEASURES, 'C'), 'reference', NAMES)) == dict(
        act='close')
    assert assigned(score(MEASURES, 'reference', NAMES)) == dict(act='middle')


def test_a_candidate_is_left_out_where_it_was():
    names = dict(act=['a', 'b'], softmax=['c'])
    assert without(names, 'b') == dict(act=['a'], softmax=['c'])
