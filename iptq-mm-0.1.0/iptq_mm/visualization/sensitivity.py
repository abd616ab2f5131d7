"""Table and bar chart of what each function costs when it alone is integer."""
from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..evaluation.sensitivity import Row

COLORS = dict(gelu='C0', softmax='C1', layernorm='C2')


def sensitivity_table(rows: Sequence[Row], num_images: int) -> Table:
    """One line an evaluation: scores, their change, and output SQNR.

    Args:
        rows (Sequence[Row]): The float model's first.
        num_images (int): That were tested.
    """
    table = Table(
        box=SIMPLE_HEAD,
        title='One kind of function in integers, all else float',
        caption=f'{num_images} test images. SQNR: at the outputs of the '
        'backbone.',
        padding=0)
    table.add_column('quantized', no_wrap=True)
    table.add_column('candidate', no_wrap=True)
    for metric in rows[0].scores:
        table.add_column(_short(metric), justify='right')
        table.add_column('change', justify='right')
    table.add_column('SQNR, dB', justify='right', no_wrap=True)
    kind = None
    for row in rows:
        if row.kind != kind:
            table.add_section()
        kind = row.kind
        scores = []
        for metric, value in row.scores.items():
            change = value - rows[0].scores[metric]
            scores += [f'{value:.3f}',
                       '' if row is rows[0] else f'{change:+.3f}']
        table.add_row(
            kind, row.candidate, *scores,
            f'{row.sqnr_db:.1f}' if math.isfinite(row.sqnr_db) else '')
    return table


def draw_sensitivity(rows: Sequence[Row], num_images: int,
                     path: str | Path) -> None:
    """Draw bars: the drop of each score, and the output SQNR.

    Args:
        rows (Sequence[Row]): The float model's first.
        num_images (int): That were tested.
        path (str | Path): PNG to write.
    """
    reference, *quantized = rows
    names = [row.candidate for row in quantized]
    colors = [COLORS[row.kind] for row in quantized]
    metrics = list(reference.scores)
    figure = Figure(
        figsize=(4 + 4 * (1 + len(metrics)), 2 + .36 * len(names)),
        layout='constrained')
    *score_panels, sqnr_panel = figure.subplots(
        1, 1 + len(metrics), sharey=True)
    for axes in score_panels[1:]:
        axes.sharex(score_panels[0])
    for axes, metric in zip(score_panels, metrics):
        value = reference.scores[metric]
        # + 0. makes a negative zero positive, which would be printed.
        drops = [
            round(value - row.scores[metric], 6) + 0. for row in quantized
        ]
        _bars(axes, names, drops, colors, '%.3f')
        axes.set(
            title=f'{_short(metric)}, float model: {value:.3f}',
            xlabel='drop: float - quantized (no unit), lower is better')
    _bars(sqnr_panel, names, [row.sqnr_db for row in quantized], colors,
          '%.1f')
    sqnr_panel.set(
        title='outputs of the backbone', xlabel='SQNR [dB], higher is better')
    sqnr_panel.invert_yaxis()
    score_panels[0].set_ylabel('candidate, the only function in integers')
    figure.legend(
        handles=[Patch(color=color, label=kind)
                 for kind, color in COLORS.items()],
        loc='outside lower center', ncols=len(COLORS), title='quantized kind')
    figure.suptitle('One kind of function in integers, all else float, '
                    f'{num_images} test images')
    figure.savefig(path, dpi=120)


def _bars(axes: Axes, names: Sequence[str], values: Sequence[float],
          colors: Sequence[str], form: str) -> None:
    bars = axes.barh(names, values, color=colors)
    axes.bar_label(bars, fmt=form, padding=3, fontsize=9)
    axes.margins(x=.18, y=.02)
    axes.locator_params(axis='x', nbins=5)
    axes.axvline(0, color='black', linewidth=.8)
    axes.grid(axis='x', alpha=.4)
    axes.set_axisbelow(True)


def _short(metric: str) -> str:
    """``coco/bbox_mAP`` -> ``bbox mAP``."""
    return metric.rpartition('/')[2].replace('_', ' ')
