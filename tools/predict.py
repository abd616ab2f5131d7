"""Draw what a saved integer detector sees in images."""
import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import track

import iptq_mm
from iptq_mm.engine.command_line import command
from iptq_mm.engine.predict import draw_predictions, find_images
from iptq_mm.engine.preflight import check_folder


def score(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError
    return value


def parse_args(args=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='Writes NAME.png for each image. Exits with 0 only when all '
        'were drawn. Example: tools/predict.py work_dirs/RUN/int_config.py '
        'photos/ --out-dir pictures')
    parser.add_argument(
        'config', help='int_config.py that tools/ptq.py wrote')
    parser.add_argument(
        'images', nargs='+', metavar='IMAGE', help='image file, or folder')
    parser.add_argument('--out-dir', type=Path, required=True, metavar='DIR')
    parser.add_argument(
        '--checkpoint',
        metavar='FILE',
        help='int_model.pth (default: beside the config)')
    parser.add_argument(
        '--score-thr',
        type=score,
        default=0.5,
        metavar='S',
        help='detections below this score are not drawn '
        '(default: %(default)s)')
    parser.add_argument('--device', default='cpu', help='default: %(default)s')
    return parser.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    console = Console()
    images = find_images(args.images)
    check_folder(args.out_dir, '--out-dir')
    model = iptq_mm.load(args.config, args.checkpoint, args.device)
    drawn = draw_predictions(model, images, args.out_dir, args.score_thr)
    for picture, count in track(
            drawn, 'detecting', len(images), console=console):
        console.print(
            f'{picture}: {count} detections above {args.score_thr}',
            soft_wrap=True,
            highlight=False)


if __name__ == '__main__':
    sys.exit(main())
