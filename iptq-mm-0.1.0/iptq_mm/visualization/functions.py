"""Table and picture of every candidate beside the exact function."""
from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table
from torch import Tensor

from ..evaluation.function_error import (
    Curve,
    FunctionError,
    exponential_curves,
    gelu_curves,
)

STYLES = ('-', '--', '-.', ':')


def functions_table(errors: Iterable[FunctionError]) -> Table:
    """One line a candidate: range, rms and largest error of the
    approximation, largest error of its 8-bit integers."""
    table = Table(
        box=SIMPLE_HEAD,
        title='Candidates beside the exact function',
        caption='rms, L_inf: error of the approximation on the range. '
        'Steps: largest error of the 8-bit integer forward, in output steps.')
    for heading in ('kind', 'candidate', 'range', 'rms', 'L_inf', 'steps'):
        text = heading in ('kind', 'candidate')
        table.add_column(
            heading, justify='left' if text else 'right', no_wrap=True)
    kind = None
    for error in errors:
        if error.kind != kind:
            table.add_section()
        kind = error.kind
        low, high = error.range
        steps = error.integer_linf_steps
        table.add_row(kind, error.name, f'[{low:.3g}, {high:.3g}]',
                      f'{error.rms:.4f}', f'{error.linf:.4f}',
                      '' if steps is None else f'{steps:.2f}')
    return table


def draw_functions(path: str | Path) -> None:
    """Draw erf and GELU side by side, as Figure 3 of IPTQ-ViT, and the
    exponentials of Softmax; the errors of each below.

    Args:
        path (str | Path): PNG to write.
    """
    figure = Figure(figsize=(16, 9), layout='constrained')
    panels = figure.subplots(2, 3, height_ratios=(2, 3))
    gelu, exponentials = gelu_curves(), exponential_curves()
    _draw(panels[:, 0], gelu, _erf_points, 'erf(u)', 'u')
    _draw(panels[:, 1], gelu, _points, 'GELU(x)', 'x')
    _draw(panels[:, 2], exponentials, _octave_points, '2^r',
          'r, remainder in octaves')
    figure.savefig(path, dpi=110)


def _points(curve: Curve) -> tuple[Tensor, Tensor, Tensor]:
    """x, exact and approximate."""
    x = curve.points()
    return x, curve.exact(x), curve.approximate(x)


def _erf_points(curve: Curve) -> tuple[Tensor, Tensor, Tensor]:
    """u, erf(u), and the erf that the candidate implies: GELU(x) is
    x / 2 (1 + erf(u)), u = x / sqrt(2)."""
    x, _, approximate = _points(curve)
    u = x / math.sqrt(2)
    return u, u.erf(), 2 * approximate / x - 1


def _octave_points(curve: Curve) -> tuple[Tensor, Tensor, Tensor]:
    """As ``_points`` for an exponential of any base, over the exponent of
    2."""
    x, exact, approximate = _points(curve)
    return x * math.log2(curve.base), exact, approximate


def _draw(panels: Sequence[Axes], curves: Iterable[Curve],
          points: Callable[[Curve], tuple[Tensor, Tensor, Tensor]],
          function: str, argument: str) -> None:
    """The functions in the upper panel, their errors in the lower."""
    upper, lower = panels
    for i, curve in enumerate(curves):
        x, exact, approximate = points(curve)
        style = dict(
            color=f'C{i}', linestyle=STYLES[i % len(STYLES)], label=curve.name)
        upper.plot(x, exact, color='0.8', linewidth=5, zorder=0)
        upper.plot(x, approximate, **style)
        error = approximate - exact
        largest = error.abs().max().item()
        lower.plot(x, error, **dict(
            style, label=f'{curve.name}: at most {largest:.4f}'))
    upper.set(title=f'{function}, exact in grey', ylabel=function)
    lower.set(title='error', ylabel=f'approximation - {function}')
    lower.axhline(0, color='black', linewidth=.8)
    for axes in panels:
        axes.set_xlabel(argument)
        axes.grid(alpha=.3)
        axes.legend(fontsize=9)
