"""How fast integer-only inference is, beside the runtimes a user may pick."""
import os
import sys

from command_line import add_json, command, image_size, parser, positive

PEERS_HELD_TO = dict(avx2=dict(
    ATEN_CPU_CAPABILITY='avx2', MKL_ENABLE_INSTRUCTIONS='AVX2',
    ONEDNN_MAX_CPU_ISA='AVX2'))
"""What torch, and OpenVINO, read before they first compute."""


def names(text: str) -> list[str]:
    return [name for name in text.split(',') if name]


def parse_args(args=None):
    options = parser(__doc__)
    options.add_argument(
        'model', help='deit_t, deit_s, swin_t, mask_rcnn_swin_t, ...: a name '
        'that does not exist is answered with all that do')
    options.add_argument('--batch', type=positive, default=1, metavar='B')
    options.add_argument(
        '--size', type=image_size, metavar='S|HxW',
        help='of the images (default: 224, of a detector 800x1216)')
    options.add_argument(
        '--threads', type=positive, metavar='N',
        help='default: as many as torch takes')
    options.add_argument(
        '--vs', type=names, default=['torch'], metavar='RUNTIME,...',
        help='of torch, compile, ort, ort-int8, ort-iptq (the file of '
        'tools/export.py with our kernels), ort-iptq-functions (without), '
        'openvino, openvino-int8 (default: torch)')
    options.add_argument(
        '--rounds', type=positive, default=20, metavar='N',
        help='runs of each (default: %(default)s)')
    options.add_argument(
        '--isa', help='instruction set of our kernels: baseline, avx2, ... '
        '(default: the best of this machine); avx2 also holds torch, OpenVINO '
        'and ONNX Runtime to it')
    options.add_argument(
        '--cpu-time', action='store_true',
        help='count the time of the processor, all threads together, not that '
        'of the clock: for a machine that has other work, with --threads 1')
    options.add_argument(
        '--profile', action='store_true',
        help='show where the time of W8A8 goes, by operator and layer, beside '
        'the least time that this machine could do it in')
    add_json(options)
    return options.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    os.environ.update(PEERS_HELD_TO.get(args.isa, {}))
    import torch

    from iptq_mm.benchmark import default_size
    from iptq_mm.benchmark.run import Options, run_benchmark
    args.size = args.size or default_size(args.model)
    args.threads = args.threads or torch.get_num_threads()
    run_benchmark(Options(**vars(args)))


if __name__ == '__main__':
    sys.exit(main())
