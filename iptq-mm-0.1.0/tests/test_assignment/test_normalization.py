import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm.assignment.normalization import (
    EQUAL,
    NORMALIZATIONS,
    Measures,
    normalization,
)
from iptq_mm.assignment.unified_metric import omega

SCALED = ['minmax', 'rank', 'zscore', 'reference']
MEASURES = [
    Measures(20., 1e-2, 5.),
    Measures(40., 1e-4, 10.),
    Measures(30., 1e-3, 15.),
]


def column(name, field, measures=MEASURES):
    return [getattr(m, field) for m in normalization(name)(measures)]


def best(name, measures):
    scaled = normalization(name)(measures)
    return max(range(len(measures)), key=lambda i: omega(*scaled[i]))


def test_raw_leaves_all_as_it_is():
    assert normalization('raw')(MEASURES) == MEASURES


def test_minmax():
    assert column('minmax', 'Q') == [0, 1, .5]
    assert column('minmax', 'C') == [0, .5, 1]
    assert column('minmax', 'P') == pytest.approx([1, 0, 9 / 99])


def test_rank():
    assert column('rank', 'Q') == [0, 1, .5]
    assert column('rank', 'P') == [1, 0, .5]
    tied = [Measures(1, 0, 0), Measures(1, 0, 0), Measures(2, 0, 0)]
    assert column('rank', 'Q', tied) == [.25, .25, 1]


def test_zscore():
    spread = math.sqrt(200 / 3)
    assert column('zscore', 'Q') == pytest.approx(
        [1 / (1 + math.exp(10 / spread)), 1 / (1 + math.exp(-10 / spread)),
         .5])


def test_reference():
    assert column('reference', 'Q') == [0, 1, .5]
    assert column('reference', 'P') == pytest.approx([.99, 0, .9])
    assert column('reference', 'C') == pytest.approx([0, .5, 2 / 3])
    assert column('reference', 'Q', [Measures(0, 1, 1), Measures(50, 1, 1)
                                     ]) == [0, 1]
    assert column('reference', 'P', [Measures(1, 0, 1), Measures(1, 1, 1)
                                     ]) == [0, 1]


@pytest.mark.parametrize('name', SCALED)
def test_one_or_equal_candidates_are_defined(name):
    for count in (1, 3):
        scaled = normalization(name)([Measures(30., 1e-3, 7.)] * count)
        expected = (1, 0, 0) if name == 'reference' else (EQUAL, ) * 3
        assert scaled == [expected] * count


measures = st.lists(
    st.builds(Measures, st.floats(-120, 120), st.floats(0, 1e6),
              st.floats(0, 1e4)),
    min_size=1,
    max_size=6)


@settings(max_examples=100)
@given(measures, st.sampled_from(SCALED))
def test_values_lie_in_0_to_1_and_keep_their_order(candidates, name):
    scaled = normalization(name)(candidates)
    for a, s in zip(candidates, scaled):
        assert all(0 <= v <= 1 for v in s)
        for b, t in zip(candidates, scaled):
            for field in range(3):
                if a[field] < b[field]:
                    assert s[field] <= t[field] + 1e-12


def test_raw_takes_the_cheapest_and_the_others_look_at_quality():
    poor_and_cheap, good = Measures(5., .1, 5.), Measures(50., 1e-5, 6.)
    assert best('raw', [poor_and_cheap, good]) == 0
    for name in SCALED:
        assert best(name, [poor_and_cheap, good]) == 1


def test_only_reference_lets_a_small_difference_be_small():
    # a hundredth of a dB for a third of the cost
    exact, cheap = Measures(40., 1e-4, 30.), Measures(39.99, 1.002e-4, 10.)
    assert best('reference', [exact, cheap]) == 1
    for name in ('minmax', 'rank', 'zscore'):
        assert best(name, [exact, cheap]) == 0


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(ValueError, match="'max'.*minmax.*raw.*reference"):
        normalization('max')
    assert set(NORMALIZATIONS.module_dict) == {'raw', *SCALED}
