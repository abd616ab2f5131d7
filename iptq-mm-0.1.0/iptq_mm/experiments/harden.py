"""A checkpoint that computes the same and is harder to quantize."""
from pathlib import Path

import torch
from mmengine.registry import init_default_scope

from ..engine.atomic import atomic_file
from ..engine.inputs.checkpoint import (
    load_weights,
    read_checkpoint,
    weights_of,
)
from ..engine.inputs.config import load_config
from ..engine.inputs.preflight import check_backbone
from ..evaluation.hard_variant import hardened
from ..lowering import lowering_of
from ..models.detectors.swin_backbone import DEFAULT_BITS
from ..registry import MODELS


def harden(config: str, checkpoint: str, output: Path, factor: float,
           share: float, seed: int) -> None:
    """Write it.

    Args:
        config (str): Of the float model.
        checkpoint (str): Its float checkpoint.
        output (Path): The file to write.
        factor (float): Of the largest channel of each LayerNorm.
        share (float): Of the channels that are scaled up, in (0, 1].
        seed (int): Picks the channels.

    Raises:
        UserError: If a file or the model cannot be used.
    """
    parsed = load_config(config)
    init_default_scope(parsed.get('default_scope', 'mmdet'))
    model = MODELS.build(parsed.model)
    check_backbone(model)
    content = read_checkpoint(checkpoint)
    load_weights(model, weights_of(content), checkpoint)
    readers = lowering_of(model.backbone, DEFAULT_BITS).readers()
    model.backbone = hardened(model.backbone, readers, factor, share, seed)
    written = dict(state_dict=model.state_dict(), meta=content.get('meta', {}))
    with atomic_file(output) as path:
        torch.save(written, path)
