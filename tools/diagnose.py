"""Say why the integer model of a finished run is worse than hoped."""
import sys
from pathlib import Path

from command_line import command, parser


def parse_args(args=None):
    options = parser(
        __doc__, 'Looks at what the model was shown and at where along the '
        'network the error arises, and names causes with remedies. Example: '
        'tools/diagnose.py work_dirs/RUN --try')
    options.add_argument(
        'work_dir', type=Path, metavar='WORK_DIR', help='of tools/ptq.py')
    options.add_argument(
        '--try', dest='try_all', action='store_true',
        help='quantize the backbone once for each option that may help, and '
        'show what each gains')
    return options.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    from iptq_mm.engine.diagnosis.run import diagnose
    diagnose(args.work_dir, args.try_all)


if __name__ == '__main__':
    sys.exit(main())
