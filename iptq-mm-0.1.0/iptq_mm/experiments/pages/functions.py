"""The study of the functions as tables.

``setting`` is what ``engine.study_setting.study`` gives, read from JSON.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.table import Table

from ...visualization.markdown import markdown_table

Setting = Mapping[str, Any]


def study_table(name: str, setting: Setting) -> Table:
    """Families and readings of one setting, for the terminal."""
    table = Table(title=name)
    for column in family_columns(setting):
        table.add_column(column)
    for row in family_rows(setting):
        table.add_row(*row)
    return table


def markdown(settings: Mapping[str, Setting]) -> Iterator[str]:
    """Markdown tables: one of the families for each setting, then over all
    settings the gaps, the rank correlations and the fits; none of what was
    not measured in any."""
    for name, setting in settings.items():
        yield f'### {name}\n'
        yield markdown_table(
            family_columns(setting), family_rows(setting))
    for title, cells in (('Gap to the front, dB', _gaps),
                         ('Below the best, dB', _below_best),
                         ('Rank correlation of Omega and SQNR',
                          _correlations('sqnr_db')),
                         ('Rank correlation of Omega and segm mAP',
                          _correlations('segm_mAP')),
                         ('Rank correlation of Omega and bbox mAP',
                          _correlations('bbox_mAP')),
                         ('SQNR of IPTQ-ViT\'s functions by fit, dB', _fits)):
        columns = [cells(setting) for setting in settings.values()]
        if any(set(column.values()) != {'-'} for column in columns):
            yield f'### {title}\n'
            yield _transposed(settings, columns)


METRICS = dict(
    segm_mAP=('segm mAP', 3), bbox_mAP=('bbox mAP', 3),
    top1=('top-1 / %', 2))
"""Heading and digits of a metric; a setting has some of them."""


def _metrics(setting: Setting) -> list[str]:
    return [name for name in METRICS if name in setting['families']['float']]


def family_columns(setting: Setting) -> list[str]:
    """Headings of the table of the families."""
    return [
        'functions', *(METRICS[name][0] for name in _metrics(setting)),
        'SQNR / dB', '10^6 operations', 'gap / dB', 'below the best / dB'
    ]


def family_rows(setting: Setting) -> Iterator[list[str]]:
    """Cells of :func:`family_columns` for each family."""
    for name, figures in setting['families'].items():
        yield [
            name,
            *(_spread(figures[metric], METRICS[metric][1])
              for metric in _metrics(setting)),
            _spread(figures.get('sqnr_db'), 2),
            '-' if 'int_ops' not in figures else
            f'{figures["int_ops"]["mean"] / 1e6:.0f}',
            _plain(setting['gap_db'].get(name)),
            _plain(setting['below_best_db'].get(name))
        ]


def _spread(figure: Mapping[str, float] | None, digits: int) -> str:
    if figure is None:
        return '-'
    mean = f'{figure["mean"]:.{digits}f}'
    std = figure['std']
    if std is None or math.isnan(std):  # of one run; JSON has no NaN
        return mean
    return f'{mean} ± {std:.{digits}f}'


def _plain(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def _gaps(setting: Setting) -> dict[str, str]:
    return {name: _plain(gap) for name, gap in setting['gap_db'].items()}


def _below_best(setting: Setting) -> dict[str, str]:
    return {
        name: _plain(value)
        for name, value in setting['below_best_db'].items()
    }


def _correlations(figure: str) -> Callable[[Setting], dict[str, str]]:
    return lambda setting: {
        name: _plain(values.get(figure))
        for name, values in setting['rank_correlation'].items()
    }


def _fits(setting: Setting) -> dict[str, str]:
    return {name: _spread(value, 2) for name, value in setting['fit'].items()}


def _transposed(settings: Mapping[str, Setting],
                columns: list[dict[str, str]]) -> str:
    """A column for each setting."""
    return markdown_table(('', *settings),
                          ([name, *(c[name] for c in columns)]
                           for name in columns[0]))
