"""The last words of a run: float beside integer, and where the files are."""
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .evaluation import Evaluation
from .report import widths


def print_summary(report: Mapping[str, Any], float_run: Evaluation,
                  int_run: Evaluation, files: Iterable[Path]) -> None:
    """Print a table of a finished run.

    Args:
        report (Mapping): What ``ptq_report.json`` holds.
        float_run (Evaluation): Of the float model.
        int_run (Evaluation): Of the model with the integer backbone.
        files (Iterable[Path]): What was written.
    """
    weights = Path(report['checkpoint'] or 'random weights').name
    table = Table(title=f'{Path(report["config"]).name}, {weights}')
    table.add_column('')
    table.add_column('float', justify='right')
    table.add_column(f'integer {widths(report)}', justify='right')
    table.add_column('change', justify='right')
    for metric, value in float_run.metrics.items():
        if metric.endswith(('mAP', 'top1', 'top5')):
            other = int_run.metrics.get(metric, float('nan'))
            digits = 3 if metric.endswith('mAP') else 2
            table.add_row(metric.rpartition('/')[2], f'{value:.{digits}f}',
                          f'{other:.{digits}f}',
                          f'{other - value:+.{digits}f}')
    for what, unit, value, other in (
        ('size of what is integer', 'MB', report['size_bytes']['float'] / 1e6,
         report['size_bytes']['integer'] / 1e6),
        ('backbone time per image', 'ms', float_run.backbone_ms,
         int_run.backbone_ms),
        ('model time per image', 'ms', float_run.model_ms, int_run.model_ms)):
        table.add_row(what, f'{value:.2f} {unit}', f'{other:.2f} {unit}',
                      f'x {other / value:.2f}')
    console = Console()
    console.print(table)
    outputs = {
        site: value
        for site, value in report['sqnr_db'].items() if site.startswith('out')
    }
    console.print('SQNR of the backbone\'s outputs: ' + ', '.join(
        f'{site} {value:.1f} dB' for site, value in outputs.items()))
    console.print('Integer: ' + ', '.join(report['integer_parts']) +
                  '. Float: ' + (', '.join(report['float_parts'])
                                 or 'nothing') + '.')
    seconds = ', '.join(f'{stage} {value:.1f} s'
                        for stage, value in report['seconds'].items())
    console.print(f'Time: {seconds}. Peak memory until all was integer: '
                  f'{report["peak_memory_mb"]["quantize"]:.0f} MB.')
    for path in files:
        console.print(path, soft_wrap=True, highlight=False)
