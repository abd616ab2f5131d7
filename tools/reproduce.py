"""The tables of the papers, on a classifier that has a config.

`accuracy`: I-BERT's, I-ViT's, FQ-ViT's and IPTQ-ViT's functions and what the
Unified Metric chooses, beside the float network and other runtimes.
`ablation`: the metric without one candidate or one of its terms.
`calibration-size`: the metric's choice by the number of calibration images.
`time`: how long each stage of quantization takes. Each adds its figures to a
JSON file, from which `page` makes the tables of a Markdown page.
"""
import argparse
import sys
from pathlib import Path

from mmengine.config import DictAction
from rich.console import Console
from rich.progress import Progress

import iptq_mm  # noqa: F401  (registers the candidates)
from iptq_mm.engine.atomic import atomic_file
from iptq_mm.engine.command_line import command, positive
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.options import PTQOptions
from iptq_mm.engine.progress import ProgressBars
from iptq_mm.engine.report import read_json, save_json
from iptq_mm.reproduction import (PEERS, ablation, accuracy,
                                  calibration_size, markdown,
                                  quantization_time)
from iptq_mm.visualization.stages import draw_stages

SIZES = (8, 16, 32, 64, 128, 256)

HEADING = '## The tables\n'
"""What is above it in the page is written by hand."""


def measure_accuracy(args: argparse.Namespace, bars: ProgressBars) -> dict:
    return accuracy(ptq_options(args), args.vs, args.seeds, bars)


def measure_ablation(args: argparse.Namespace, bars: ProgressBars) -> dict:
    return ablation(ptq_options(args), bars)


def measure_sizes(args: argparse.Namespace, bars: ProgressBars) -> dict:
    return calibration_size(ptq_options(args), args.sizes, bars)


def measure_time(args: argparse.Namespace, bars: ProgressBars) -> dict:
    return quantization_time(ptq_options(args))


def measure(args: argparse.Namespace, console: Console) -> None:
    tables = read_json(args.json, 'tables')
    with Progress(console=Console(stderr=True)) as bars:
        figures = args.measure(args, ProgressBars(bars))
    name = args.name or Path(args.config).stem.removeprefix('iptq_')
    tables.setdefault(args.table, {})[name] = figures
    args.json.parent.mkdir(parents=True, exist_ok=True)
    save_json(args.json, dict(tables=tables))
    console.print(f'{args.json}: {args.table}, {name}')


def page(args: argparse.Namespace, console: Console) -> None:
    tables = read_json(args.json, 'tables')
    if not tables:
        raise UserError(f'{args.json} is not there: measure something first')
    picture = None
    if 'time' in tables:
        picture = args.page.with_name(f'{args.page.stem}_time.png')
        with atomic_file(picture) as temporary:
            draw_stages({
                name: entry['seconds']
                for name, entry in tables['time'].items()
            }, temporary)
    text = args.page.read_text() if args.page.exists() else ''
    head = text.partition(HEADING)[0]
    with atomic_file(args.page) as temporary:
        temporary.write_text('\n'.join(
            [head + HEADING, *markdown(tables, picture and picture.name)]))
    console.print(args.page)


def ptq_options(args: argparse.Namespace) -> PTQOptions:
    """What says which classifier to take, and on which images."""
    options = dict(args.cfg_options)
    if args.data is not None:
        options['data_root'] = args.data
    options['test_dataloader.batch_size'] = args.batch_size
    if args.num_images is not None:
        options['test_dataloader.dataset.num_images'] = args.num_images
    return PTQOptions(
        args.config, args.checkpoint, args.work_dir, options, device='cpu')


def parse_args(args=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--json', type=Path, default=Path('docs/reproduction.json'),
        metavar='FILE', help='what was measured (default: %(default)s)')
    commands = parser.add_subparsers(required=True, metavar='TABLE')
    tables = {}
    for name, function, what in (
        ('accuracy', measure_accuracy, 'families of functions, the metric'),
        ('ablation', measure_ablation, 'the metric less something'),
        ('calibration-size', measure_sizes, 'by calibration images'),
        ('time', measure_time, 'seconds of each stage')):
        tables[name] = one = commands.add_parser(name, help=what)
        one.set_defaults(run=measure, measure=function, table=name)
        one.add_argument('config', help='of a classifier, with a PTQHook')
        one.add_argument(
            'checkpoint', nargs='?', help="instead of the config's load_from")
        one.add_argument(
            '--data', metavar='ROOT', help="instead of the config's data_root")
        one.add_argument(
            '--num-images', type=positive, metavar='N',
            help='a random sample of the test images (default: the config\'s)')
        one.add_argument(
            '--batch-size', type=positive, default=50, metavar='B',
            help='of the test images (default: %(default)s)')
        one.add_argument(
            '--name', help='in the JSON file (default: of the config)')
        one.add_argument('--cfg-options', nargs='+', action=DictAction,
                         default={}, metavar='KEY=VALUE')
        one.add_argument('--work-dir', default='work_dirs/reproduce')
    tables['accuracy'].add_argument(
        '--vs', nargs='+', choices=PEERS, default=[], metavar='RUNTIME',
        help=f'{" or ".join(PEERS)}, or both: pip install -e .[peers]')
    tables['accuracy'].add_argument(
        '--seeds', type=positive, default=1, metavar='N',
        help='calibrations on different images, of which the table has the '
        'mean (default: %(default)s)')
    tables['calibration-size'].add_argument(
        '--sizes', nargs='+', type=positive, default=SIZES, metavar='N',
        help=f'default: {" ".join(map(str, SIZES))}')
    one = commands.add_parser('page', help='tables in Markdown')
    one.set_defaults(run=page)
    one.add_argument(
        'page', nargs='?', type=Path, default=Path('docs/reproduction.md'),
        help='all from its heading "The tables" on is written anew '
        '(default: %(default)s)')
    return parser.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    args.run(args, Console())


if __name__ == '__main__':
    sys.exit(main())
