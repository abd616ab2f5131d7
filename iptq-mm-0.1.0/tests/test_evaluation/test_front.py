"""The search for the best assignments, on a problem whose answer is known."""
import pytest

from iptq_mm.evaluation.front import Point, descend, front, gap_db

COST = dict(cheap=1, fair=2, dear=5)
WORTH = dict(cheap=0, fair=4, dear=5)
CHOICES = {layer: list(COST) for layer in 'abc'}


def attempt(assignment):
    return Point(assignment, sum(COST[n] for n in assignment.values()),
                 sum(WORTH[n] for n in assignment.values()))


@pytest.mark.parametrize('price, best', [(0, 'dear'), (1, 'fair'),
                                         (9, 'cheap')])
def test_descent_ends_at_the_best_of_a_price(price, best):
    start = attempt(dict.fromkeys('abc', 'fair'))
    tried = descend(start, CHOICES, attempt, price)
    winner = max(tried, key=lambda p: p.sqnr_db - price * p.operations)
    assert winner.assignment == dict.fromkeys('abc', best)


def test_front_holds_what_nothing_beats():
    points = [Point({}, *pair) for pair in
              [(1, 10), (2, 9), (2, 12), (3, 12), (5, 20)]]
    assert [(p.operations, p.sqnr_db)
            for p in front(points)] == [(1, 10), (2, 12), (5, 20)]


def test_gap_is_taken_at_the_own_cost():
    best = front([Point({}, 1, 10), Point({}, 5, 20)])
    assert gap_db(Point({}, 4, 7), best) == 3
    assert gap_db(Point({}, 6, 7), best) == 13
    assert gap_db(Point({}, 6, 21), best) == 0
    assert gap_db(Point({}, 0.5, 1), best) == 0
