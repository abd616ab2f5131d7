"""What has an integer form: every name of timm's ViT, DeiT and Swin, or each
of mmdet's own detectors with a Swin, tried with few blocks and channels and
seeded weights."""
import sys
from pathlib import Path

from command_line import command, need_mmdet, parser


def parse_args(args=None):
    options = parser(
        __doc__, 'Exits with 0 if everything either goes through quantization '
        '(of timm with an SQNR of the logits above 20 dB) or is refused by '
        'name.')
    options.add_argument('of', choices=('timm', 'mmdet'))
    options.add_argument(
        '--page', type=Path, metavar='FILE',
        help='write the table as a page in Markdown: '
        'docs/measured/supported{,_detectors}.md')
    return options.parse_args(args)


@command
def main(args=None) -> bool:
    args = parse_args(args)
    if args.of == 'mmdet':
        need_mmdet()
        from iptq_mm.experiments.names import mmdet_names as names
    else:
        from iptq_mm.experiments.names import timm_names as names
    return names.supported(args.page)


if __name__ == '__main__':
    sys.exit(main())
