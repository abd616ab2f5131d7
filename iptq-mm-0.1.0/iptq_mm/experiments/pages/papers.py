"""The tables in Markdown.

An ``Entry`` is what a function of ``tables.py`` has measured, read from JSON.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...visualization.markdown import markdown_table
from ..peers import PEERS
from ..tables import OTHERS
from ..widths import WHOLE
from .published import FQ_VIT, I_VIT

Entry = Mapping[str, Any]

FUNCTIONS = dict(
    default='Unified Metric, all candidates (the default)',
    metric_paper='Unified Metric, candidates of IPTQ-ViT',
    i_bert='I-BERT',
    i_vit='I-ViT',
    fq_vit='FQ-ViT',
    iptq='IPTQ-ViT: Poly-GELU, Bit-exp',
    tables='tables')
"""What the rows of the accuracy tables are called."""

POOLS = dict(all='all candidates', paper='candidates of IPTQ-ViT')

LESS = dict(
    full='', poly_gelu=', without Poly-GELU', bit_softmax=', without Bit-exp',
    Q=', without Q', P=', without P', C=', without C')


def markdown(tables: Mapping[str, Mapping[str, Entry]],
             picture: str | None) -> Iterator[str]:
    """Every table that was measured, and the published figures.

    Args:
        tables (Mapping): Entries by table and name of the classifier.
        picture (str | None): Path of the picture of the stages' times.
    """
    for table, title in (('widths', 'Widths'),
                         ('means', 'What each means is worth'),
                         ('accuracy', 'Accuracy'), ('ablation', 'Ablation'),
                         ('calibration-size', 'Calibration images')):
        for name, entry in tables.get(table, {}).items():
            yield f'### {title}: {name}\n'
            yield _caption(entry)
            yield _PARTS[table](entry)
    if picture is not None:
        yield '### Quantization time\n'
        yield f'![Seconds of each stage]({picture})\n'
        yield f'On {_processors(tables["time"])}.\n'
        yield stages_table(tables['time'])
    yield '### Published\n'
    yield ('Top-1 on ImageNet in W8A8 as the papers state it: not measured '
           'here.\n')
    yield published_table()


def _caption(entry: Entry) -> str:
    text = (f'`{entry["config"]}`, {entry["images"]} test images, float top-1 '
            f'{entry["float"]["top1"]:.2f} %.')
    seeds = len(entry.get('seeds', ()))
    if seeds > 1:
        text += (f'\nMean of {seeds} calibrations on different images; in '
                 f'parentheses the least\nand the largest.')
    return f'{text}\n'


def accuracy_table(entry: Entry) -> str:
    """Rows are functions, then other runtimes, which have 8 bits only."""
    rows = [[title, *_figures(entry, name), _operations(entry, name)]
            for name, title in FUNCTIONS.items()]
    for name, figures in entry['columns'].get(OTHERS, {}).items():
        cells = _cells(figures, entry['float'])
        rows.append([
            PEERS[name], *cells,
            *['-'] * (len(cells) * (len(_widths(entry)) - 1) + 1)
        ])
    return markdown_table(
        ['functions', *_headings(entry), '10^6 operations'], rows)


def ablation_table(entry: Entry) -> str:
    """Rows are the metric less something, from all candidates and from those
    of the paper."""
    return markdown_table(
        ['metric', *_headings(entry), '10^6 operations', 'other layers'],
        ([
            title + less, *_figures(entry, f'{pool}/{what}'),
            _operations(entry, f'{pool}/{what}'),
            str(entry['changed'][f'{pool}/{what}'])
        ] for pool, title in POOLS.items() for what, less in LESS.items()))


def size_table(entry: Entry) -> str:
    """Rows are numbers of calibration images."""
    sizes = next(iter(entry['columns'].values()))
    return markdown_table(['images', *_headings(entry)],
                          ([size, *_figures(entry, size)] for size in sizes))


def stages_table(entries: Mapping[str, Entry]) -> str:
    """Seconds of each stage by classifier."""
    stages = list(dict.fromkeys(
        stage for entry in entries.values() for stage in entry['seconds']))
    return markdown_table(
        ['seconds', *stages, 'together'], ([
            name, *(f'{entry["seconds"].get(stage, 0.):.1f}'
                    for stage in stages),
            f'{sum(entry["seconds"].values()):.1f}'
        ] for name, entry in entries.items()))


def published_table() -> str:
    """Figures of the papers."""
    return markdown_table(
        ['', *FQ_VIT],
        ([name, *(f'{paper[model]:.2f}' if model in paper else '-'
                  for model in FQ_VIT)]
         for name, paper in (('FQ-ViT', FQ_VIT), ('I-ViT, retrained', I_VIT))))


def widths_table(entry: Entry) -> str:
    """Rows are widths, then other runtimes."""
    rows = [[
        column if row == WHOLE else PEERS[row],
        *_cells(figures, entry['float']),
        f'{entry["megabytes"][column]:.1f}' if row == WHOLE else '-'
    ] for column, rows in entry['columns'].items()
            for row, figures in rows.items()]
    return markdown_table(
        ['', 'top-1 / %', 'change', 'SQNR / dB', 'MB'], rows)


def means_table(entry: Entry) -> str:
    """Rows are what is switched off."""
    names = next(iter(entry['columns'].values()))
    return markdown_table(['', *_headings(entry)],
                          ([name, *_figures(entry, name)] for name in names))


_PARTS = {
    'widths': widths_table,
    'means': means_table,
    'accuracy': accuracy_table,
    'ablation': ablation_table,
    'calibration-size': size_table
}


def _processors(entries: Mapping[str, Entry]) -> str:
    return ' and '.join(
        dict.fromkeys(f'{entry["machine"]["cores"]} cores of '
                      f'{entry["machine"]["cpu"]}'
                      for entry in entries.values()))


def _widths(entry: Entry) -> list[str]:
    return [column for column in entry['columns'] if column != OTHERS]


def _headings(entry: Entry) -> list[str]:
    return [
        f'{width} {what}' for width in _widths(entry)
        for what in ('top-1 / %', 'change', 'SQNR / dB')
    ]


def _figures(entry: Entry, row: str) -> list[str]:
    """Cells of ``_headings``."""
    return [
        cell for width in _widths(entry)
        for cell in _cells(entry['columns'][width][row], entry['float'])
    ]


def _cells(figures: Mapping[str, float],
           exact: Mapping[str, float]) -> list[str]:
    # An SQNR without noise is infinite, which JSON does not know.
    sqnr, top1 = figures['sqnr_db'], f'{figures["top1"]:.2f}'
    least, most = figures.get('top1_range', (0, 0))
    if least < most:
        top1 += f' ({least:.2f}, {most:.2f})'
    return [
        top1, f'{figures["top1"] - exact["top1"]:+.2f}',
        '-' if sqnr is None else f'{sqnr:.1f}'
    ]


def _operations(entry: Entry, row: str) -> str:
    return f'{entry["int_ops"][row] / 1e6:.2f}'
