"""Table and heat map of Omega: layers by candidates."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from rich.box import SIMPLE_HEAD
from rich.table import Table

Entry = Mapping[str, Any]
"""An entry of ``layers`` in ``ptq_report.json``."""


def by_kind(layers: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Entries of each kind, in the order of the report."""
    kinds = {}
    for entry in layers:
        kinds.setdefault(entry['kind'], []).append(entry)
    return kinds


def competitors(layers: Sequence[Entry]) -> list[str]:
    """Every candidate that was scored in any of the layers, by name."""
    return sorted({name for entry in layers for name in entry['candidates']})


def assignment_tables(layers: Sequence[Entry]) -> list[Table]:
    """One table a kind: Omega of every layer and candidate, the chosen ones
    marked by a star."""
    tables = []
    for kind, entries in by_kind(layers).items():
        table = Table(
            title=f'{kind}: Omega, the chosen one *',
            box=SIMPLE_HEAD,
            padding=0)
        table.add_column('layer', no_wrap=True)
        names = competitors(entries)
        for name in names:
            table.add_column(
                name.replace('_', '_\n'), justify='right', min_width=6)
        for entry in entries:
            table.add_row(entry['name'],
                          *(_cell(entry, name) for name in names))
        tables.append(table)
    return tables


def _cell(entry: Entry, name: str) -> str:
    score = entry['candidates'].get(name)
    if score is None:
        return ''
    text = f'{score["omega"]:.3f}'
    return f'[bold]{text}*[/]' if name == entry['assigned'] else f'{text} '


def draw_assignment(layers: Sequence[Entry], path: str | Path) -> None:
    """Draw a heat map of Omega for each kind, side by side: one row a layer
    in the order of the forward pass, one column a candidate.

    Args:
        layers (Sequence): ``layers`` of a report.
        path (str | Path): PNG to write.
    """
    kinds = by_kind(layers)
    columns = {kind: competitors(some) for kind, some in kinds.items()}
    widths = [1 + len(names) for names in columns.values()]
    rows = max(len(some) for some in kinds.values())
    figure = Figure(
        figsize=(6 + 1.1 * sum(widths), 2.5 + .3 * rows),
        layout='constrained')
    panels = figure.subplots(
        1, len(kinds), squeeze=False, width_ratios=widths)[0]
    omegas = [
        score['omega'] for entry in layers
        for score in entry['candidates'].values()
    ]
    for axes, (kind, entries) in zip(panels, kinds.items()):
        picture = _draw_kind(axes, kind, entries, columns[kind],
                             (min(omegas), max(omegas)))
    figure.colorbar(
        picture, ax=panels, label='Omega (no unit), larger is better',
        shrink=.8)
    figure.suptitle('Unified Metric by layer and candidate, '
                    'the chosen one framed')
    figure.savefig(path, dpi=110)


def _draw_kind(axes: Axes, kind: str, entries: Sequence[Entry],
               names: Sequence[str], limits: tuple[float, float]):
    omega = np.array([[
        entry['candidates'].get(name, {}).get('omega', np.nan)
        for name in names
    ] for entry in entries])
    low, high = limits
    picture = axes.imshow(
        omega, vmin=low, vmax=high, cmap='viridis', aspect='auto')
    for i, entry in enumerate(entries):
        for j, name in enumerate(names):
            if np.isnan(omega[i, j]):
                continue
            dark = omega[i, j] < (low + high) / 2
            axes.text(j, i, f'{omega[i, j]:.3f}', ha='center', va='center',
                      fontsize=8, color='white' if dark else 'black')
            if name == entry['assigned']:
                axes.add_patch(
                    Rectangle((j - .47, i - .45), .94, .9,
                              fill=False, edgecolor='red', linewidth=2))
    axes.set_xticks(range(len(names)), names, rotation=30, ha='right')
    axes.set_yticks(
        range(len(entries)), [entry['name'] for entry in entries], fontsize=8)
    axes.set(title=kind, xlabel='candidate', ylabel='layer')
    return picture
