"""Draw what a saved integer detector sees in images."""
import sys
from pathlib import Path

from command_line import add_int_model, command, need_mmdet, parser, share


def parse_args(args=None):
    options = parser(
        __doc__, 'Writes NAME.png for each image. Exits with 0 only when all '
        'were drawn. Example: tools/predict.py work_dirs/RUN/int_config.py '
        'photos/ --out-dir pictures')
    add_int_model(options)
    options.add_argument(
        'images', nargs='+', metavar='IMAGE', help='image file, or folder')
    options.add_argument('--out-dir', type=Path, required=True, metavar='DIR')
    options.add_argument(
        '--json', type=Path, metavar='FILE',
        help="the detections as well, in COCO's form, masks as run lengths")
    options.add_argument(
        '--checkpoint', metavar='FILE',
        help='int_model.pth (default: beside the config)')
    options.add_argument(
        '--score-thr', type=share, default=0.5, metavar='S',
        help='detections below this score are not drawn '
        '(default: %(default)s)')
    options.add_argument(
        '--device', default='cpu', help='default: %(default)s')
    return options.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    need_mmdet()
    from iptq_mm.engine.predict import predict
    predict(**vars(args))


if __name__ == '__main__':
    sys.exit(main())
