"""Write the integer parts of a saved model as ONNX files of integer operators.
"""
import argparse
import importlib.util
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

import iptq_mm
from iptq_mm.engine.command_line import command, image_size, positive
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.preflight import check_folder

REFERENCED = 20
"""So many images are compared with the references too, which are slow."""


def parse_args(args=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='A classifier or a backbone goes to --out; integer neck and '
        'heads (scope="all") go beside it, as OUT.neck.onnx and so on. With '
        '--check the last line is "N of N images equal" and the exit code 0, '
        'or the exit code is 1 and the first differing node is named. '
        'Example: tools/export.py work_dirs/RUN/int_config.py --out '
        'model.onnx --dynamic --check')
    parser.add_argument(
        'config', help='int_config.py that tools/ptq.py wrote')
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='int_model.pth (default: beside the config)')
    parser.add_argument(
        '--out', type=Path, required=True, metavar='FILE',
        help='the file to write, *.onnx')
    parser.add_argument(
        '--dynamic',
        action='store_true',
        help='leave the batch free, and height and width of the images of a '
        'detector (default: one image of one size)')
    parser.add_argument(
        '--size',
        type=image_size,
        metavar='S|HxW',
        help="of a detector's images, as its backbone gets them")
    parser.add_argument(
        '--opset',
        type=int,
        default=21,
        metavar='N',
        help="version of ONNX's operators, 18 or later; 4-bit weights need "
        '21 (default: %(default)s)')
    parser.add_argument(
        '--check',
        nargs='*',
        metavar='SOURCE',
        help='run the files in ONNX Runtime beside PyTorch, on image files '
        'or folders (a classifier: one folder or tar of CLASS/NAME); without '
        "SOURCE on the config's test images")
    parser.add_argument(
        '--num-images',
        type=positive,
        default=REFERENCED,
        metavar='N',
        help=f'check at most N images; the first {REFERENCED} also with the '
        'references of all operators (default: %(default)s)')
    parser.add_argument(
        '--batch-size',
        type=positive,
        default=1,
        metavar='N',
        help='check N images at once; needs --dynamic (default: %(default)s)')
    return parser.parse_args(args)


def show_files(console: Console, regions: list, files: dict) -> None:
    """What was written, and what it is made of."""
    from iptq_mm.export import check_integer, float_bytes
    for region, (path, file) in zip(regions, files.items()):
        graph = check_integer(file)
        size, weights = path.stat().st_size, float_bytes(region)
        lines = [
            f'{path}: {region.name}, {size:,} bytes, {size / weights:.2f} of '
            f'its {weights:,} bytes of float32 weights',
            f'  {graph.operators.total()} integer operators: ' +
            ', '.join(f'{name} {count}'
                      for name, count in graph.operators.most_common()),
            f'  on tensors of {", ".join(sorted(graph.types))}'
        ]
        console.print(
            '\n'.join(lines), soft_wrap=True, highlight=False, markup=False)


def check(console: Console, model, regions: list, files: dict,
          args: argparse.Namespace) -> bool:
    """Compare, image by image; True if all are equal."""
    from iptq_mm.export import compare_files
    with Progress(console=console) as bars:
        task = bars.add_task('comparing', total=args.num_images)
        agreement = compare_files(
            model, regions, list(files.values()), args.check,
            args.num_images, args.batch_size, REFERENCED,
            lambda done: bars.update(task, completed=done))
        bars.update(task, total=agreement.images)
    if agreement.accuracy is not None:
        console.print(f'top-1: file {agreement.accuracy[0]:.2f} %, PyTorch '
                      f'{agreement.accuracy[1]:.2f} %')
    console.print(f'{agreement.referenced} of {agreement.images} images also '
                  f'compared with the references')
    if agreement.difference is not None:
        console.print(f'first difference: {agreement.difference}',
                      soft_wrap=True)
    console.print(
        f'{agreement.equal} of {agreement.images} images equal',
        highlight=False)
    return agreement.equal == agreement.images


@command
def main(args=None) -> bool | None:
    args = parse_args(args)
    console = Console()
    for package in ('onnx', 'onnxruntime'):
        if importlib.util.find_spec(package) is None:
            raise UserError(f'this needs {package}: install the extra, '
                            f'pip install -e .[deploy]')
    from iptq_mm.export import regions_of, to_onnx
    check_folder(args.out.parent, '--out')
    if args.batch_size > 1 and not args.dynamic:
        raise UserError('--batch-size needs --dynamic.')
    model = iptq_mm.load(args.config, args.checkpoint)
    files = to_onnx(model, args.out, args.size, args.dynamic, args.opset)
    regions = regions_of(model)
    show_files(console, regions, files)
    if args.check is not None:
        return check(console, model, regions, files, args)


if __name__ == '__main__':
    sys.exit(main())
