"""One entry of several, which differ in their calibration images."""
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

Entry = Mapping[str, Any]


def over_seeds(entries: Sequence[Entry]) -> dict[str, Any]:
    """The mean of every figure.

    A top-1 moves by some tenths of a point with the calibration images alone:
    few of the test images lie where two classes are as likely.

    Args:
        entries (Sequence[Entry]): Of :func:`~iptq_mm.reproduction.accuracy`,
            one for each seed, at least one; the same rows in all.

    Returns:
        dict: As the first, with mean figures, and mean ``int_ops`` and
        ``megabytes`` where there are; ``top1_range`` beside each ``top1`` is
        the least and the largest, and ``seeds`` stands for ``seed``.
    """
    first = dict(entries[0])
    del first['seed']
    return dict(
        first,
        seeds=[entry['seed'] for entry in entries],
        columns={
            column: {
                row: _mean([entry['columns'][column][row]
                            for entry in entries])
                for row in rows
            }
            for column, rows in first['columns'].items()
        },
        **{
            what: {
                row: fmean(entry[what][row] for entry in entries)
                for row in first[what]
            }
            for what in ('int_ops', 'megabytes') if what in first
        })


def _mean(figures: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    top1 = [one['top1'] for one in figures]
    return dict(
        top1=fmean(top1),
        top1_range=[min(top1), max(top1)],
        sqnr_db=fmean(one['sqnr_db'] for one in figures))
