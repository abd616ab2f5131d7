"""Quantize a detector after training, and show what that cost."""
import sys

from command_line import add_float_model, command, parser


def parse_args(args=None):
    options = parser(
        __doc__, 'Writes int_model.pth, int_config.py, ptq_report.json and '
        'pictures to the work dir. Exits with 0 only when all was done.')
    add_float_model(options)
    options.add_argument(
        '--work-dir', help='default: work_dirs/ and the name of the config')
    options.add_argument(
        '--num-calib', type=int, metavar='N',
        help="calibration images, instead of the config's")
    options.add_argument(
        '--device', choices=('auto', 'cpu', 'cuda'), default='auto')
    options.add_argument(
        '--verify-integer', action='store_true',
        help='fail if the integer backbone makes any floating-point tensor')
    options.add_argument(
        '--seed', type=int, help='picks the calibration images, and random '
        'weights if there is no checkpoint')
    options.add_argument(
        '--trust-checkpoint', action='store_true',
        help='unpickle Python objects of the checkpoint, which can run any '
        'code')
    options.add_argument(
        '--resume', action='store_true',
        help='go on where a killed calibration in the same work dir stopped')
    options.add_argument(
        '--launcher', choices=('none', 'pytorch'), default='none',
        help='pytorch: share the work among the processes of torchrun '
        '(torchrun --nproc-per-node N tools/ptq.py ... --launcher pytorch)')
    return options.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    from iptq_mm.engine.inputs.options import PTQOptions
    from iptq_mm.engine.ptq import run_ptq
    from iptq_mm.engine.quantization.processes import processes
    options = PTQOptions(**vars(args))
    with processes(options.launcher, options.device):
        run_ptq(options)


if __name__ == '__main__':
    sys.exit(main())
