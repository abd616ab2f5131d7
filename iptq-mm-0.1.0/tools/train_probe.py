"""Train a linear probe on the features of a config's float network.

The features are those before the classifier, of the calibration images (all
of them, or --num-images). Of the weight decays that are tried the one with
the best accuracy on a tenth of the images is taken.
"""
import sys

from mmengine.config import DictAction

from command_line import command, parser, positive


def parse_args(args=None):
    options = parser(__doc__, plain=True)
    options.add_argument('config', help='config with a PTQHook')
    options.add_argument('out', help='checkpoint of the probe to write')
    options.add_argument('--num-images', type=positive, default=10000)
    options.add_argument('--cfg-options', nargs='+', action=DictAction,
                         default={}, metavar='KEY=VALUE')
    return options.parse_args(args)


@command
def main(args=None) -> None:
    args = parse_args(args)
    from iptq_mm.engine.training.probe import train_probe
    train_probe(**vars(args))


if __name__ == '__main__':
    sys.exit(main())
