"""Write report.html of finished runs: one of them, or several side by side."""
import sys
from pathlib import Path

from command_line import command, parser


def parse_args(args=None):
    options = parser(
        __doc__, 'tools/ptq.py writes the page of its own run by itself. '
        'Example: tools/report.py work_dirs/w8a8 work_dirs/w4a8 --out '
        'both.html')
    options.add_argument(
        'work_dirs', nargs='+', type=Path, metavar='WORK_DIR',
        help='of tools/ptq.py')
    options.add_argument(
        '--out', type=Path, metavar='FILE',
        help='default: report.html in the work dir; needed for several')
    return options.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    from iptq_mm.engine.errors import UserError
    from iptq_mm.engine.report.page import save_page
    if args.out is None and len(args.work_dirs) > 1:
        raise UserError('where do several runs go? Say --out FILE.')
    out = args.out or args.work_dirs[0] / 'report.html'
    save_page(out, args.work_dirs)
    print(out)


if __name__ == '__main__':
    sys.exit(main())
