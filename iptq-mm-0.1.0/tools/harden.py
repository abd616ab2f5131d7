"""Writes a checkpoint that computes the same and is harder to quantize.

A share of the channels of LayerNorm outputs is scaled up, and the columns of
the linear layers that read them are scaled down. tools/ptq.py on the result
shows how well a calibration holds out on such channels, which large networks
have and small ones do not: the float model keeps its metrics, and so should
the integer one.
"""
import sys
from pathlib import Path

from command_line import command, parser


def parse_args(args=None):
    options = parser(__doc__, plain=True)
    options.add_argument('config', help='config of the float model')
    options.add_argument('checkpoint', help='its float checkpoint')
    options.add_argument('output', type=Path, help='the checkpoint to write')
    options.add_argument(
        '--factor', type=float, default=150.,
        help='of the largest channel of each LayerNorm; default: 150')
    options.add_argument(
        '--share', type=float, default=.05,
        help='of the channels that are scaled up; default: 0.05')
    options.add_argument(
        '--seed', type=int, default=0, help='picks the channels')
    args = options.parse_args(args)
    if args.factor <= 0 or not 0 < args.share <= 1:
        options.error('--factor must be positive and --share in (0, 1]')
    return args


@command
def main(args=None) -> None:
    args = parse_args(args)
    from iptq_mm.experiments.harden import harden
    harden(**vars(args))


if __name__ == '__main__':
    sys.exit(main())
