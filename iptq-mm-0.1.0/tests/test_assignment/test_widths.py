import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm.assignment.normalization import Measures
from iptq_mm.assignment.widths import choose_narrow, price, relative_error


def layers(count):
    """Q of 4 and of 8 bits, and thousands of weights."""
    return st.lists(
        st.tuples(st.floats(10, 40), st.floats(41, 70), st.integers(1, 50)),
        min_size=count, max_size=count)


def measures(drawn):
    narrow = {str(i): Measures(q, 1., 1000 * size * .5)
              for i, (q, _, size) in enumerate(drawn)}
    wide = {str(i): Measures(q, 1., 1000. * size)
            for i, (_, q, size) in enumerate(drawn)}
    return narrow, wide


@settings(max_examples=100)
@given(layers(8), st.floats(0, 1))
def test_it_saves_what_must_be_saved_and_no_layer_too_many(drawn, share):
    narrow, wide = measures(drawn)
    most = sum(wide[name].C - narrow[name].C for name in wide)
    chosen = choose_narrow(narrow, wide, share * most)
    saved = [wide[name].C - narrow[name].C for name in chosen]
    assert sum(saved) >= share * most
    assert not chosen or sum(saved[:-1]) < share * most
    prices = [price(narrow[name], wide[name]) for name in narrow]
    assert sorted(prices)[:len(chosen)] == [
        price(narrow[name], wide[name]) for name in chosen]


@settings(max_examples=30)
@given(layers(8), st.floats(.2, .8))
def test_no_other_choice_that_saves_as_much_is_much_better(drawn, share):
    """Against all of them: a greedy knapsack is off by its last layer."""
    narrow, wide = measures(drawn)
    most = sum(wide[name].C - narrow[name].C for name in wide)

    def lost(names):
        return sum(relative_error(narrow[name]) - relative_error(wide[name])
                   for name in names)

    chosen = choose_narrow(narrow, wide, share * most)
    best = min(
        lost(names) for count in range(9)
        for names in itertools.combinations(narrow, count)
        if sum(wide[name].C - narrow[name].C for name in names)
        >= share * most)
    assert lost(chosen[:-1]) <= best * (1 + 1e-9)


def test_nothing_to_save_nothing_narrow():
    narrow, wide = measures([(20, 50, 3)])
    assert choose_narrow(narrow, wide, 0.) == []
    assert choose_narrow(narrow, wide, -5.) == []
