"""Whether the Unified Metric chooses well, measured setting by setting.

`measure`: output SQNR, mAP and integer operations of every family of
functions and of the metric's choices, their gap to the best assignments that
a search finds, how well Omega ranks random assignments, and what fitting the
functions to the data is worth. `table`: what was measured, in Markdown.
"""
import argparse
import sys
from pathlib import Path

from mmengine.config import DictAction
from rich.console import Console

import iptq_mm  # noqa: F401  (registers the candidates)
from iptq_mm.engine.command_line import command
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.options import PTQOptions
from iptq_mm.engine.report import read_json, save_json
from iptq_mm.engine.study_setting import StudyOptions, study
from iptq_mm.visualization.study import markdown, study_table


def measure(args: argparse.Namespace, console: Console) -> None:
    settings = read_json(args.json, 'settings')
    settings[args.name] = study(
        PTQOptions(args.config, args.checkpoint, args.work_dir,
                   args.cfg_options),
        StudyOptions(args.seeds, args.num_search, args.num_val,
                     args.num_random, args.rank_map), console.print)
    args.json.parent.mkdir(parents=True, exist_ok=True)
    save_json(args.json, dict(settings=settings))
    console.print(study_table(args.name, settings[args.name]))


def table(args: argparse.Namespace, console: Console) -> None:
    settings = read_json(args.json, 'settings')
    if not settings:
        raise UserError(f'{args.json} is not there: measure something first')
    print('\n'.join(markdown(settings)))


def parse_args(args=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--json', type=Path, default=Path('docs/study_functions.json'),
        metavar='FILE', help='what was measured (default: %(default)s)')
    commands = parser.add_subparsers(required=True)
    commands.add_parser(
        'table', help='print it in Markdown').set_defaults(run=table)
    one = commands.add_parser('measure', help='measure one setting')
    one.set_defaults(run=measure)
    one.add_argument('name', help='of the setting, in the JSON file')
    one.add_argument('config', help='config with a PTQHook')
    one.add_argument('checkpoint', nargs='?')
    one.add_argument('--cfg-options', nargs='+', action=DictAction,
                     default={}, metavar='KEY=VALUE')
    one.add_argument(
        '--seeds', type=int, default=3, help='calibration sets, the first '
        'of which is searched (default: %(default)s)')
    one.add_argument(
        '--num-search', type=int, default=2, help='training images that '
        'calibration has not seen, to search on (default: %(default)s)')
    one.add_argument(
        '--num-val', type=int, default=32, help='test images of the SQNR; '
        'mAP is that of all (default: %(default)s)')
    one.add_argument(
        '--num-random', type=int, default=40, help='random assignments for '
        'the rank correlation (default: %(default)s)')
    one.add_argument(
        '--rank-map', action='store_true', help='also rank the random '
        'assignments by mAP, an evaluation each')
    one.add_argument('--work-dir', default='work_dirs/study')
    return parser.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    args.run(args, Console())


if __name__ == '__main__':
    sys.exit(main())
