"""How far an assignment is from the best one of its cost.

The front of output SQNR against integer operations is found by coordinate
descent over layers, at several prices of an operation. Every assignment that
was tried on the way counts.
"""
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """An assignment that was tried.

    Args:
        assignment (Mapping[str, str]): Candidate by layer.
        operations (float): For one image.
        sqnr_db (float): At the backbone's outputs.
    """
    assignment: Mapping[str, str]
    operations: float
    sqnr_db: float


def descend(start: Point, choices: Mapping[str, Sequence[str]],
            attempt: Callable[[Mapping[str, str]], Point],
            price: float) -> list[Point]:
    """Change one layer after the other as long as that pays.

    What is maximized is ``sqnr_db - price * operations``.

    Args:
        start (Point): Where to begin.
        choices (Mapping[str, Sequence[str]]): Candidates of each layer.
        attempt (Callable): Makes a point of an assignment.
        price (float): dB for an operation, at least 0.

    Returns:
        list[Point]: All that were tried; the last sweep changed nothing.
    """

    def worth(point: Point) -> float:
        return point.sqnr_db - price * point.operations

    best, tried, changed = start, [start], True
    while changed:
        changed = False
        for layer, names in choices.items():
            for name in names:
                if name == best.assignment[layer]:
                    continue
                point = attempt({**best.assignment, layer: name})
                tried.append(point)
                if worth(point) > worth(best):
                    best, changed = point, True
    return tried


def front(points: Iterable[Point]) -> list[Point]:
    """The points that no other beats in both; by ascending operations and
    SQNR."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.operations, -p.sqnr_db)):
        if not best or point.sqnr_db > best[-1].sqnr_db:
            best.append(point)
    return best


def gap_db(point: Point, best: Sequence[Point]) -> float:
    """Distance in dB below the front at the point's own cost.

    Args:
        point (Point): Any.
        best (Sequence[Point]): A front, see :func:`front`.

    Returns:
        float: At least 0; 0 if the front has no point as cheap.
    """
    affordable = [p.sqnr_db for p in best if p.operations <= point.operations]
    return max(0., max(affordable, default=point.sqnr_db) - point.sqnr_db)
