"""Say why the integer model of a finished run is worse than hoped."""
import sys
from pathlib import Path

from command_line import add_json, command, parser


def parse_args(args=None):
    options = parser(
        __doc__, 'Looks at what the model is shown, at what its integers must '
        'hold and at where along the network the error arises, and names '
        'causes with remedies. Example: tools/diagnose.py work_dirs/RUN --try')
    options.add_argument(
        'work_dirs', type=Path, nargs='+', metavar='WORK_DIR',
        help='of tools/ptq.py')
    options.add_argument(
        '--try', dest='try_all', action='store_true',
        help='quantize the backbone once for each option that may help, and '
        'show what each gains')
    add_json(options, 'diagnoses')
    return options.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    from rich.console import Console

    from iptq_mm.engine.diagnosis.run import diagnose
    from iptq_mm.engine.diagnosis.summary import (
        print_diagnosis,
        print_overview,
    )
    from iptq_mm.engine.report.report import save_json
    console, found = Console(), []
    for folder in args.work_dirs:
        found.append(diagnose(folder, args.try_all))
        print_diagnosis(found[-1], console)
    if len(found) > 1:
        print_overview(found, console)
    if args.json:
        save_json(args.json, [one.plain() for one in found])


if __name__ == '__main__':
    sys.exit(main())
