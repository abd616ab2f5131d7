"""Write a saved integer model as an ONNX file of integer operators."""
import sys
from pathlib import Path

from command_line import (
    add_int_model,
    command,
    image_size,
    need,
    parser,
    positive,
)


def parse_args(args=None):
    options = parser(
        __doc__, 'A classifier, a whole detector from pixels to masks, or the '
        'backbone of a detector whose rest is float (scope="backbone"). With '
        '--check the last line is "N of N images equal" and the exit code 0, '
        'or the exit code is 1 and the first differing node is named. '
        'Example: tools/export.py work_dirs/RUN/int_config.py --out '
        'model.onnx --dynamic --check')
    add_int_model(options)
    options.add_argument(
        'checkpoint', nargs='?',
        help='int_model.pth (default: beside the config)')
    options.add_argument(
        '--out', type=Path, required=True, metavar='FILE',
        help='the file to write, *.onnx')
    options.add_argument(
        '--dynamic', action='store_true',
        help='leave height and width of the images of a detector free, and '
        'the batch of a classifier or backbone (default: one image of one '
        'size)')
    options.add_argument(
        '--size', type=image_size, metavar='S|HxW',
        help="of a detector's images, as it gets them")
    options.add_argument(
        '--opset', type=int, default=21, metavar='N',
        help="version of ONNX's operators, 18 or later; 4-bit weights need "
        '21 (default: %(default)s)')
    options.add_argument(
        '--external-data', action='store_true',
        help='write the weights to FILE.data beside the file: a runtime maps '
        'it into memory instead of reading it')
    options.add_argument(
        '--check', nargs='*', metavar='SOURCE',
        help='run the file in ONNX Runtime beside PyTorch, on image files '
        'or folders (a classifier: one folder or tar of CLASS/NAME); without '
        "SOURCE on the config's test images")
    options.add_argument(
        '--num-images', type=positive, default=20, metavar='N',
        help='check at most N images; the first 20 also with the references '
        'of all operators (default: %(default)s)')
    options.add_argument(
        '--batch-size', type=positive, default=1, metavar='N',
        help='check N images at once; needs --dynamic (default: %(default)s)')
    return options.parse_args(args)


@command
def main(args=None) -> bool:
    args = parse_args(args)
    need('deploy', 'onnx', 'onnxruntime')
    from iptq_mm.export.run import run_export
    return run_export(**vars(args))


if __name__ == '__main__':
    sys.exit(main())
