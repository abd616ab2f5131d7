"""What a diagnosis prints."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from .run import Diagnosis

FEW = 3
"""Parts of the network, and sites, that are listed."""


def print_diagnosis(diagnosis: Diagnosis, console: Console) -> None:
    """Where a run loses, what was tried, and the causes."""
    console.rule(f'[bold]{Path(diagnosis.run).name}')
    console.print(_line(
        'SQNR of the worst output', f'{diagnosis.trials[0].worst:.1f} dB'))
    console.print(_line('It falls most at', ', '.join(
        f'{part} ({drop:.1f} dB)'
        for part, drop in list(diagnosis.losses.items())[:FEW])))
    clipping = [site for site in diagnosis.sites if site.saturates]
    console.print(_line('Clipped in test images', ', '.join(
        f'{site.name} ({100 * site.clipped:.1f} %)'
        for site in clipping[:FEW]) or 'nothing beyond what calibration saw'))
    if len(diagnosis.trials) > 1:
        console.print(_tried(diagnosis))
    for cause in diagnosis.causes:
        console.print(f'[bold]{cause.name}[/]: {cause.seen}')
        console.print(f'  [green]{cause.remedy}[/]', highlight=False)
    if not diagnosis.causes:
        console.print('Nothing stands out.' + (
            '' if len(diagnosis.trials) > 1
            else ' --try quantizes once for each option.'))


def print_overview(diagnoses: Sequence[Diagnosis], console: Console) -> None:
    """One line a run: the first of its causes."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column('run', overflow='fold', max_width=16)
    table.add_column('cause', max_width=26)
    table.add_column('remedy', overflow='fold')
    for one in diagnoses:
        for cause in one.causes[:1]:
            table.add_row(Path(one.run).name, cause.name, cause.remedy)
        if not one.causes:
            table.add_row(Path(one.run).name, 'nothing stands out', '')
    console.print(table)


def _line(what: str, text: str) -> str:
    return f'[dim]{what}:[/] {text}'


def _tried(diagnosis: Diagnosis) -> Table:
    now = diagnosis.trials[0]
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column('option')
    for heading in ('worst output dB', 'gain dB', 'seconds'):
        table.add_column(heading, justify='right')
    for trial in diagnosis.trials:
        table.add_row(trial.option, f'{trial.worst:.1f}',
                      f'{trial.worst - now.worst:+.1f}',
                      f'{trial.seconds:.1f}')
    return table
