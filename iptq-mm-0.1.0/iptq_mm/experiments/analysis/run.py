"""What ``tools/analyze.py`` does: tables and pictures of the functions."""
import json
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from ...engine.atomic import atomic_file
from ...engine.errors import UserError
from ...engine.inputs.options import PTQOptions
from ...engine.report.report import save_json
from ...evaluation.function_error import function_errors
from ...visualization.activations import (
    activations_table,
    draw_activations,
    layers_table,
)
from ...visualization.assignment import assignment_tables, draw_assignment
from ...visualization.functions import draw_functions, functions_table
from ...visualization.sensitivity import draw_sensitivity, sensitivity_table
from .activations import PROBE, most_sensitive_gelu
from .sensitivity import Sensitivity


def functions(args: Namespace, console: Console) -> Path:
    errors = function_errors()
    console.print(functions_table(errors))
    if args.json:
        save_json(args.json, [asdict(error) for error in errors])
    path = args.out_dir / 'functions.png'
    draw_functions(path)
    return path


def assignment(args: Namespace, console: Console) -> Path:
    layers = _layers(args.report)
    for table in assignment_tables(layers):
        console.print(table)
    path = args.out_dir / 'assignment.png'
    draw_assignment(layers, path)
    return path


def activations(args: Namespace, console: Console) -> Path:
    with console.status('calibrating and looking for the layer'):
        sensitivity, found = most_sensitive_gelu(_options(args))
    console.print(layers_table(sensitivity, PROBE))
    console.print(activations_table(found))
    path = args.out_dir / 'activations.png'
    with atomic_file(path) as temporary:
        draw_activations(found, temporary)
    return path


def sensitivity(args: Namespace, console: Console) -> Path:
    with console.status('calibrating'):
        work = Sensitivity(_options(args), args.num_images)
    # While a test runs, nobody sees the standard output.
    with Progress(console=Console(stderr=True)) as bars:
        task = bars.add_task('testing', total=work.num_batches)
        rows = list(work.rows(lambda: bars.advance(task)))
    console.print(sensitivity_table(rows, work.num_images))
    if args.json:
        save_json(
            args.json,
            dict(
                config=args.config,
                num_images=work.num_images,
                rows=[asdict(row) for row in rows]))
    path = args.out_dir / 'sensitivity.png'
    with atomic_file(path) as temporary:
        draw_sensitivity(rows, work.num_images, temporary)
    return path


def _options(args: Namespace) -> PTQOptions:
    """What says which model to calibrate, and how."""
    return PTQOptions(
        args.config, args.checkpoint, str(args.out_dir), args.cfg_options)


def _layers(path: Path) -> list[dict]:
    """``layers`` of a report, those that were scored.

    Raises:
        UserError: If the file is missing, no report, or scored nothing.
    """
    try:
        layers = json.loads(path.read_text())['layers']
        scored = [entry for entry in layers if entry['candidates']]
    except OSError as error:
        raise UserError(f'cannot read {path}: {error.strerror}') from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f'{path} is no report: give the ptq_report.json of '
                        'a tools/ptq.py run') from error
    if not scored:
        raise UserError(f'{path} scores no candidate: quantize again with '
                        'more than one candidate allowed')
    return scored


ANALYSES: dict[str, Callable[[Namespace, Console], Path]] = dict(
    functions=functions, assignment=assignment, activations=activations,
    sensitivity=sensitivity)
"""(the tool's arguments, where tables go) -> the picture, by name."""


def analyze(args: Namespace) -> None:
    """Print the tables of an analysis and draw its picture.

    Args:
        args (Namespace): ``what`` (a key of ``ANALYSES``), ``out_dir`` and
            what ``tools/analyze.py`` asks for that analysis.

    Raises:
        UserError: For input that cannot be worked with.
    """
    console = Console()
    try:
        args.out_dir.mkdir(parents=True, exist_ok=True)
        console.print(ANALYSES[args.what](args, console), soft_wrap=True)
    except OSError as error:
        raise UserError(
            f'cannot write {error.filename}: {error.strerror}') from error
