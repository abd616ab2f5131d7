"""Quantize a detector after training, and show what that cost."""
import argparse
import sys

from mmengine.config import DictAction

from iptq_mm.engine.command_line import command
from iptq_mm.engine.options import PTQOptions
from iptq_mm.engine.processes import processes
from iptq_mm.engine.ptq import run_ptq


def parse_args(args=None) -> PTQOptions:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='Writes int_model.pth, int_config.py, ptq_report.json and '
        'pictures to the work dir. Exits with 0 only when all was done.')
    parser.add_argument('config', help='config with a PTQHook')
    parser.add_argument(
        'checkpoint', nargs='?', help="instead of the config's load_from")
    parser.add_argument(
        '--work-dir', help='default: work_dirs/ and the name of the config')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='change the config; data_root=FOLDER moves all data')
    parser.add_argument(
        '--num-calib',
        type=int,
        metavar='N',
        help="calibration images, instead of the config's")
    parser.add_argument(
        '--device', choices=('auto', 'cpu', 'cuda'), default='auto')
    parser.add_argument(
        '--verify-integer',
        action='store_true',
        help='fail if the integer backbone makes any floating-point tensor')
    parser.add_argument(
        '--seed',
        type=int,
        help='picks the calibration images, and random weights if there is '
        'no checkpoint')
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='unpickle Python objects of the checkpoint, which can run any '
        'code')
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on where a killed calibration in the same work dir stopped')
    parser.add_argument(
        '--launcher',
        choices=('none', 'pytorch'),
        default='none',
        help='pytorch: share the work among the processes of torchrun '
        '(torchrun --nproc-per-node N tools/ptq.py ... --launcher pytorch)')
    return PTQOptions(**vars(parser.parse_args(args)))


@command
def main() -> None:
    options = parse_args()
    with processes(options.launcher, options.device):
        run_ptq(options)


if __name__ == '__main__':
    sys.exit(main())
