"""Distributions of a GELU layer's input and outputs, as IPTQ-ViT's Figure 1.
"""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table
from torch import Tensor

from ..evaluation.activations import FLOAT, Activations

CODES = np.arange(-127.5, 128)
"""Edges between 8-bit codes."""

TRIPLES = CODES[::3]
"""Edges of bins of three codes: an integer GELU leaves codes out."""

REACH = 3
"""Output steps up to which errors are drawn; only clipping makes larger
ones."""

EXACT = dict(color='0.75', fill=True)
STYLES = (EXACT, dict(color='C3'), dict(color='C0'), dict(color='C2'))


def layers_table(sensitivity: Mapping[str, float], probe: str) -> Table:
    """One line a layer: SQNR in dB by module name, the lowest marked."""
    table = Table(
        box=SIMPLE_HEAD,
        title=f'SQNR of the backbone with {probe} in one layer alone',
        caption='* the most sensitive layer')
    table.add_column('layer', no_wrap=True)
    table.add_column('SQNR, dB', justify='right')
    worst = min(sensitivity, key=sensitivity.get)
    for layer, value in sensitivity.items():
        text = f'{value:.1f}'
        table.add_row(
            layer, f'[bold]{text}*[/]' if layer == worst else f'{text} ')
    return table


def activations_table(found: Activations) -> Table:
    """One line for the input and each output."""
    table = Table(
        box=SIMPLE_HEAD,
        title=f'{found.layer}, {found.x.numel()} sampled inputs',
        caption='bias, rms, L_inf: mean, root mean square and largest '
        'magnitude of output - float output. SQNR in dB.',
        padding=0)
    table.add_column('', no_wrap=True)
    for heading in ('mean', 'std', 'min', 'max', 'bias', 'rms', 'L_inf',
                    'SQNR'):
        table.add_column(heading, justify='right', no_wrap=True)
    x = found.x
    table.add_row('input', *(f'{value.item():.4f}' for value in (
        x.mean(), x.std(), x.min(), x.max())))
    for name in found.outputs:
        one = found.statistics(name)
        cells = [f'{value:.4f}'
                 for value in (one.mean, one.std, one.min, one.max)]
        if name != FLOAT:
            cells += [f'{value:.4f}'
                      for value in (one.bias, one.rms, one.linf)]
            cells.append(f'{one.sqnr_db:.1f}')
        table.add_row(name, *cells)
    return table


def draw_activations(found: Activations, path: str | Path) -> None:
    """Draw the distributions of input, outputs and errors, and the errors
    over the input.

    Args:
        found (Activations): Of the layer.
        path (str | Path): PNG to write.
    """
    figure = Figure(figsize=(13, 9), layout='constrained')
    (inputs, outputs), (course, errors) = figure.subplots(2, 2)
    _histogram(inputs, found.x, CODES * found.in_scale, 'input, the same for '
               'all', **EXACT)
    exact = found.outputs[FLOAT]
    reach = REACH * found.out_scale
    for (name, y), style in zip(found.outputs.items(), STYLES):
        _histogram(outputs, y, TRIPLES * found.out_scale, name, **style)
        if name == FLOAT:
            continue
        error = y - exact
        _course(course, found.x, error, CODES * found.in_scale, name, **style)
        _histogram(errors, error.clamp(-reach, reach),
                   np.linspace(-reach, reach, 102),
                   f'{name}: rms {found.statistics(name).rms:.4f}', **style)
    inputs.set(
        title='input x', xlabel='x (no unit)',
        ylabel='values per 8-bit step', yscale='log')
    outputs.set(
        title='output y', xlabel='y (no unit)',
        ylabel='values per 3 8-bit steps', yscale='log')
    course.set(
        title='mean error at each input', xlabel='x (no unit)',
        ylabel='y - float y (no unit)', ylim=(-reach, reach))
    course.axhline(0, color='black', linewidth=.8)
    course.axhspan(-found.out_scale / 2, found.out_scale / 2, color='0.85',
                   zorder=0, label='half an output step')
    errors.set(
        title=f'error, all beyond {REACH} output steps in the last bins',
        xlabel='y - float y (no unit)',
        ylabel='values per bin', yscale='log')
    for axes in (inputs, outputs, course, errors):
        axes.grid(alpha=.3)
        axes.legend()
    figure.suptitle(f'The most sensitive GELU, {found.layer}: '
                    f'{found.x.numel()} sampled values')
    figure.savefig(path, dpi=110)


def _histogram(axes: Axes, values: Tensor, edges: np.ndarray, label: str,
               color: str, fill: bool = False) -> None:
    """Only the bins from the first to the last that is not empty."""
    counts, _ = np.histogram(values.flatten().numpy(), edges)
    first, *_, last = np.flatnonzero(counts).repeat(2)
    axes.stairs(counts[first:last + 1], edges[first:last + 2], fill=fill,
                color=color, linewidth=1.4, label=label)


def _course(axes: Axes, x: Tensor, error: Tensor, edges: np.ndarray,
            label: str, color: str) -> None:
    """Mean error of the inputs of each bin that has any."""
    x, error = x.flatten().numpy(), error.flatten().numpy()
    counts, _ = np.histogram(x, edges)
    sums, _ = np.histogram(x, edges, weights=error)
    seen = counts > 0
    middles = (edges[:-1] + edges[1:]) / 2
    axes.plot(middles[seen], sums[seen] / counts[seen], color=color,
              linewidth=1.4, label=label)
