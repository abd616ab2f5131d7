"""Look before you trust: what the candidates do, and why they were chosen."""
import sys
from pathlib import Path

from command_line import add_float_model, add_json, command, parser, positive


def parse_args(args=None):
    options = parser(__doc__)
    commands = options.add_subparsers(required=True, dest='what')
    for name, what in (
        ('functions', 'every candidate beside the exact function'),
        ('assignment', 'the Unified Metric of every layer and candidate'),
        ('activations', 'input and output of the most sensitive GELU'),
        ('sensitivity', 'score with one kind of function in integers')):
        one = commands.add_parser(name, help=what)
        if name == 'assignment':
            one.add_argument(
                'report', type=Path, help='ptq_report.json of a run')
        if name in ('activations', 'sensitivity'):
            add_float_model(one)
        if name in ('functions', 'sensitivity'):
            add_json(one, 'table')
        if name == 'sensitivity':
            one.add_argument(
                '--num-images', type=positive, metavar='N',
                help='only the first of the test set')
        one.add_argument(
            '--out-dir', type=Path, default=Path('work_dirs/analyze'),
            help='folder of the picture (default: %(default)s)')
    return options.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    from iptq_mm.experiments.analysis.run import analyze
    analyze(args)


if __name__ == '__main__':
    sys.exit(main())
