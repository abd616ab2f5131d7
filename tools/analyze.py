"""Look before you trust: what the candidates do, and why they were chosen."""
import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

import iptq_mm  # noqa: F401  (registers the candidates)
from iptq_mm.engine.errors import UserError
from iptq_mm.evaluation.function_error import function_errors
from iptq_mm.visualization.assignment import (assignment_tables,
                                              draw_assignment)
from iptq_mm.visualization.functions import draw_functions, functions_table


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
    for command in (functions, assignment):
        command.add_argument(
            '--out-dir',
            type=Path,
            default=Path('work_dirs/analyze'),
            help='folder of the picture (default: %(default)s)')
    return parser.parse_args(args)


def main(args=None) -> int:
    args, console = parse_args(args), Console()
    try:
        args.out_dir.mkdir(parents=True, exist_ok=True)
        console.print(args.analyze(args, console), soft_wrap=True)
    except UserError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except OSError as error:
        print(f'error: cannot write {error.filename}: {error.strerror}',
              file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
