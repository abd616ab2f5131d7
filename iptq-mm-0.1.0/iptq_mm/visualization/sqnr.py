"""Bar chart of the SQNR of every part of a quantized backbone."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure


def draw_sqnr(sqnr_db: Mapping[str, float], path: str | Path) -> None:
    """Draw one horizontal bar for each site, in the order of the forward
    pass from top to bottom.

    Args:
        sqnr_db (Mapping[str, float]): SQNR in dB by site.
        path (str | Path): PNG to write.
    """
    sites, values = list(sqnr_db), list(sqnr_db.values())
    figure = Figure(figsize=(8, 1.2 + 0.24 * len(sites)), layout='tight')
    axes = figure.add_subplot()
    outputs = [site.startswith('out') for site in sites]
    bars = axes.barh(
        sites, values, color=['C1' if output else 'C0' for output in outputs])
    axes.bar_label(bars, fmt='%.1f', padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.1, y=0.01)
    axes.tick_params(axis='y', labelsize=8)
    axes.set_xlabel('SQNR of the integer backbone [dB], higher is better')
    axes.set_ylabel('module (outputs of the backbone in orange)')
    axes.grid(axis='x', alpha=0.4)
    axes.set_axisbelow(True)
    figure.savefig(path, dpi=120)
