"""Bar chart of how long quantization takes, stage by stage."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

TITLES = dict(
    equalize='equalize channels',
    observe='1: capture what candidates are scored on',
    assign='2: score and assign',
    calibrate='3: calibrate the mixed model',
    lower='lower to integers')
"""The stages in their order; numbers are those of IPTQ-ViT."""


def draw_stages(seconds: Mapping[str, Mapping[str, float]],
                path: str | Path) -> None:
    """Draw a bar for each network, the stages beside one another in it.

    Args:
        seconds (Mapping[str, Mapping[str, float]]): Of each stage, by name of
            the network; see ``engine.quantize.Quantization``.
        path (str | Path): PNG to write.
    """
    figure = Figure(figsize=(8, 1.6 + 0.4 * len(seconds)), layout='tight')
    axes = figure.add_subplot()
    names, left = list(seconds), [0.] * len(seconds)
    for stage, title in TITLES.items():
        widths = [some.get(stage, 0.) for some in seconds.values()]
        axes.barh(names, widths, left=left, label=title)
        left = [a + b for a, b in zip(left, widths)]
    axes.bar_label(axes.containers[-1], [f'{total:.1f}' for total in left],
                   padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel('time of quantization [s]')
    axes.legend(fontsize=7, ncols=2, loc='lower center',
                bbox_to_anchor=(0.5, 1))
    figure.savefig(path, dpi=120)
