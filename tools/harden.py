"""Writes a checkpoint that computes the same and is harder to quantize.

A share of the channels of LayerNorm outputs is scaled up, and the columns of
the linear layers that read them are scaled down. tools/ptq.py on the result
shows how well a calibration holds out on such channels, which large networks
have and small ones do not: the float model keeps its metrics, and so should
the integer one.
"""
import argparse
import sys
from pathlib import Path

import torch
from mmengine.registry import init_default_scope

from iptq_mm.engine.atomic import atomic_file
from iptq_mm.engine.checkpoint import (load_weights, read_checkpoint,
                                       weights_of)
from iptq_mm.engine.command_line import command
from iptq_mm.engine.config import load_config
from iptq_mm.engine.preflight import check_backbone
from iptq_mm.evaluation.hard_variant import hardened
from iptq_mm.lowering import lowering_of
from iptq_mm.models.swin_backbone import DEFAULT_BITS
from iptq_mm.registry import MODELS


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of the float model')
    parser.add_argument('checkpoint', help='its float checkpoint')
    parser.add_argument('output', type=Path, help='the checkpoint to write')
    parser.add_argument(
        '--factor',
        type=float,
        default=150.,
        help='of the largest channel of each LayerNorm; default: 150')
    parser.add_argument(
        '--share',
        type=float,
        default=.05,
        help='of the channels that are scaled up; default: 0.05')
    parser.add_argument(
        '--seed', type=int, default=0, help='picks the channels')
    args = parser.parse_args()
    if args.factor <= 0 or not 0 < args.share <= 1:
        parser.error('--factor must be positive and --share in (0, 1]')
    return args


def harden(args: argparse.Namespace) -> None:
    config = load_config(args.config)
    init_default_scope(config.get('default_scope', 'mmdet'))
    model = MODELS.build(config.model)
    check_backbone(model)
    checkpoint = read_checkpoint(args.checkpoint)
    load_weights(model, weights_of(checkpoint), args.checkpoint)
    readers = lowering_of(model.backbone, DEFAULT_BITS).readers()
    model.backbone = hardened(model.backbone, readers, args.factor,
                              args.share, args.seed)
    content = dict(
        state_dict=model.state_dict(), meta=checkpoint.get('meta', {}))
    with atomic_file(args.output) as path:
        torch.save(content, path)


@command
def main() -> None:
    harden(parse_args())


if __name__ == '__main__':
    sys.exit(main())
