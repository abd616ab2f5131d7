"""Look before you trust: what the candidates do, and why they were chosen."""
import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from mmengine.config import DictAction
from rich.console import Console
from rich.progress import Progress

import iptq_mm  # noqa: F401  (registers the candidates)
from iptq_mm.engine.activations import PROBE, most_sensitive_gelu
from iptq_mm.engine.atomic import atomic_file
from iptq_mm.engine.command_line import command
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.options import PTQOptions
from iptq_mm.engine.report import save_json
from iptq_mm.engine.sensitivity import Sensitivity
from iptq_mm.evaluation.function_error import function_errors
from iptq_mm.visualization.activations import (activations_table,
                                               draw_activations, layers_table)
from iptq_mm.visualization.assignment import (assignment_tables,
                                              draw_assignment)
from iptq_mm.visualization.functions import draw_functions, functions_table
from iptq_mm.visualization.sensitivity import (draw_sensitivity,
                                               sensitivity_table)


def analyze_functions(args: argparse.Namespace, console: Console) -> Path:
    errors = function_errors()
    console.print(functions_table(errors))
    if args.json:
        args.json.write_text(
            json.dumps([asdict(error) for error in errors], indent=2) + '\n')
    path = args.out_dir / 'functions.png'
    draw_functions(path)
    return path


def analyze_assignment(args: argparse.Namespace, console: Console) -> Path:
    layers = read_layers(args.report)
    for table in assignment_tables(layers):
        console.print(table)
    path = args.out_dir / 'assignment.png'
    draw_assignment(layers, path)
    return path


def analyze_activations(args: argparse.Namespace, console: Console) -> Path:
    with console.status('calibrating and looking for the layer'):
        sensitivity, found = most_sensitive_gelu(ptq_options(args))
    console.print(layers_table(sensitivity, PROBE))
    console.print(activations_table(found))
    path = args.out_dir / 'activations.png'
    with atomic_file(path) as temporary:
        draw_activations(found, temporary)
    return path


def analyze_sensitivity(args: argparse.Namespace, console: Console) -> Path:
    with console.status('calibrating'):
        work = Sensitivity(ptq_options(args), args.num_images)
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


def ptq_options(args: argparse.Namespace) -> PTQOptions:
    """What says which model to calibrate, and how."""
    return PTQOptions(
        args.config, args.checkpoint, str(args.out_dir), args.cfg_options)


def read_layers(path: Path) -> list[dict]:
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


def parse_args(args=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    functions = commands.add_parser(
        'functions', help='every candidate beside the exact function')
    functions.add_argument(
        '--json', type=Path, metavar='FILE', help='write the table as JSON')
    functions.set_defaults(analyze=analyze_functions)
    assignment = commands.add_parser(
        'assignment', help='the Unified Metric of every layer and candidate')
    assignment.add_argument(
        'report', type=Path, help='ptq_report.json of a run')
    assignment.set_defaults(analyze=analyze_assignment)
    activations = commands.add_parser(
        'activations', help='input and output of the most sensitive GELU')
    activations.set_defaults(analyze=analyze_activations)
    sensitivity = commands.add_parser(
        'sensitivity', help='score with one kind of function in integers')
    sensitivity.add_argument(
        '--num-images', type=int, metavar='N',
        help='only the first of the test set')
    sensitivity.add_argument(
        '--json', type=Path, metavar='FILE', help='write the table as JSON')
    sensitivity.set_defaults(analyze=analyze_sensitivity)
    for command in (activations, sensitivity):
        command.add_argument('config', help='config with a PTQHook')
        command.add_argument(
            'checkpoint', nargs='?', help="instead of the config's load_from")
        command.add_argument(
            '--cfg-options', nargs='+', action=DictAction, default={},
            metavar='KEY=VALUE', help='change the config')
    for command in (functions, assignment, activations, sensitivity):
        command.add_argument(
            '--out-dir',
            type=Path,
            default=Path('work_dirs/analyze'),
            help='folder of the picture (default: %(default)s)')
    return parser.parse_args(args)


@command
def main(args=None) -> None:
    args, console = parse_args(args), Console()
    try:
        args.out_dir.mkdir(parents=True, exist_ok=True)
        console.print(args.analyze(args, console), soft_wrap=True)
    except OSError as error:
        raise UserError(
            f'cannot write {error.filename}: {error.strerror}') from error


if __name__ == '__main__':
    sys.exit(main())
