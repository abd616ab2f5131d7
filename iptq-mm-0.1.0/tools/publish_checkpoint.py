"""Makes a small file to publish of a checkpoint that mmengine wrote.

What stays are the weights in half precision (the averaged ones, where the
training kept an average: mmengine's EMAHook stores them as ``state_dict``) and
``meta``: the class names, the epoch and the iteration. The file holds plain
Python objects and tensors only, and loads with
``torch.load(weights_only=True)`` and with mmengine's ``load_checkpoint``.
"""
import sys
from pathlib import Path

from command_line import command, parser


def parse_args(args=None):
    options = parser(
        __doc__.splitlines()[0],
        'CHECKPOINT is unpickled: give one that you trained yourself.')
    options.add_argument('checkpoint', type=Path)
    options.add_argument('output', type=Path)
    return options.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    from iptq_mm.engine.training.publish import publish
    publish(**vars(args))


if __name__ == '__main__':
    sys.exit(main())
