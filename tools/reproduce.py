"""Studies of the functions, and the papers' tables: one experiment a command.

`accuracy`: I-BERT's, I-ViT's, FQ-ViT's and IPTQ-ViT's functions and what the
Unified Metric chooses, beside the float network and other runtimes.
`widths`: weights and activations of 8 to 4 bits, beside other runtimes.
`means`: each width without equalization, compensation, GPTQ or groups of
weights.
`ablation`: the metric without one candidate or one of its terms.
`calibration-size`: the metric's choice by the number of calibration images.
`time`: how long each stage of quantization takes.
`functions`: whether the metric chooses well, against assignments that a
search finds; detectors too.
`scores`: a detector's Softmax of class scores by each candidate.
`diagnosis`: a detector spoilt in six ways, diagnosed and repaired.
Each adds its figures to a JSON file, from which `page` makes tables.
"""
import sys
from pathlib import Path

from command_line import add_float_model, command, parser, positive

OF_CLASSIFIERS = ('ablation', 'accuracy', 'calibration-size', 'means', 'time',
                  'widths')
SIZES = (8, 16, 32, 64, 128, 256)


def add_experiment(commands, name: str, what: str):
    """A command with the options of every experiment."""
    one = commands.add_parser(name, help=what)
    add_float_model(one)
    one.add_argument(
        '--num-images', type=positive, metavar='N',
        help="a random sample of a classifier's test images (default: the "
        "config's)")
    one.add_argument(
        '--batch-size', type=positive, metavar='B',
        default=50 if name in OF_CLASSIFIERS else None,
        help='of the test images (default: %(default)s)')
    one.add_argument(
        '--name', help='in the JSON file (default: of the config)')
    one.add_argument('--work-dir', default='work_dirs/reproduce')
    return one


def parse_args(args=None):
    options = parser(__doc__, plain=True)
    options.add_argument(
        '--json', type=Path, default=Path('docs/measured/reproduction.json'),
        metavar='FILE', help='what was measured (default: %(default)s)')
    commands = options.add_subparsers(
        required=True, metavar='EXPERIMENT', dest='experiment')
    for name, what in (('accuracy', 'families of functions, the metric'),
                       ('widths', 'widths of weights and activations')):
        one = add_experiment(commands, name, what)
        one.add_argument(
            '--vs', nargs='+', default=[], metavar='OTHER',
            choices=('ort-int8', 'openvino-int8', 'repq-w8a8', 'repq-w6a6',
                     'repq-w4a4'),
            help='ort-int8, openvino-int8 (both: pip install -e .[peers]), '
            "RepQ-ViT's scheme simulated: repq-w8a8, repq-w6a6, repq-w4a4")
        one.add_argument(
            '--seeds', type=positive, default=1, metavar='N',
            help='calibrations on different images, of which the table has '
            'the mean (default: %(default)s)')
    add_experiment(commands, 'means', 'each width less something')
    add_experiment(commands, 'ablation', 'the metric less something')
    one = add_experiment(commands, 'calibration-size',
                         'by calibration images')
    one.add_argument(
        '--sizes', nargs='+', type=positive, default=SIZES, metavar='N',
        help=f'default: {" ".join(map(str, SIZES))}')
    add_experiment(commands, 'time', 'seconds of each stage')
    one = add_experiment(commands, 'functions', 'does the metric choose well')
    for name, default, what in (
        ('--seeds', 3, 'calibration sets, the first of which is searched'),
        ('--num-search', 2, 'training images that calibration has not seen, '
         'to search on'),
        ('--num-val', 32, 'test images of the SQNR; mAP is that of all'),
        ('--num-random', 40, 'random assignments for the rank correlation')):
        one.add_argument(name, type=positive, default=default, metavar='N',
                         help=f'{what} (default: %(default)s)')
    one.add_argument(
        '--rank-map', action='store_true',
        help='rank the random assignments by mAP too, an evaluation each')
    add_experiment(commands, 'scores',
                   "a detector's scores by each Softmax")
    add_experiment(commands, 'diagnosis', 'does tools/diagnose.py find it')
    one = commands.add_parser('page', help='the tables in Markdown')
    one.add_argument(
        'pages', nargs='?', type=Path, default=Path('docs/measured'),
        metavar='FOLDER',
        help='of reproduction.md and study_functions.md; all from the heading '
        '"The tables" on is written anew (default: %(default)s)')
    return options.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    from iptq_mm.experiments.run import measure, write_pages
    if args.experiment == 'page':
        write_pages(args)
    else:
        measure(args)


if __name__ == '__main__':
    sys.exit(main())
