"""Which networks of timm have an integer form: every name of its ViT, DeiT and
Swin, tried with few blocks and channels and seeded weights."""
import sys
from pathlib import Path

from command_line import command, parser


def parse_args(args=None):
    options = parser(
        __doc__, 'Exits with 0 if every name either lowers with an SQNR of '
        'the logits above 20 dB or is refused by name.')
    options.add_argument(
        '--page', type=Path, metavar='FILE',
        help='write the table as a page in Markdown, docs/supported.md')
    return options.parse_args(args)


@command
def main(args=None) -> bool:
    args = parse_args(args)
    from iptq_mm.experiments.timm_names import supported
    return supported(args.page)


if __name__ == '__main__':
    sys.exit(main())
