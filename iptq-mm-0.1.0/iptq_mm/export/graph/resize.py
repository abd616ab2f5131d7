"""How a classifier's images were scaled and cut when it was evaluated."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
from timm.data import resolve_data_config


def resize_of(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """What :class:`~iptq_mm.datasets.TimmImageDataset` does before it cuts
    out the middle.

    Args:
        config (Mapping): Of a model; may be empty.

    Returns:
        dict | None: ``crop_pct``, the side of the model over the shorter
        side of the scaled image, and ``interpolation``; None where the
        config has no such images.
    """
    images = (config.get('test_dataloader') or {}).get('dataset') or {}
    if images.get('type') != 'iptq_mm.TimmImageDataset':
        return None
    settings = resolve_data_config(
        dict(
            img_size=images.get('input_size'),
            crop_pct=images.get('crop_pct')),
        pretrained_cfg=timm.get_pretrained_cfg(images['name']).to_dict())
    return {key: settings[key] for key in ('crop_pct', 'interpolation')}
