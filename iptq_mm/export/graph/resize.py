"""How images were scaled and cut when a model was evaluated."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
from timm.data import resolve_data_config


def resize_of(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the test images of a config go through before the model.

    Args:
        config (Mapping): Of the model; may be empty.

    Returns:
        dict | None: Of a classifier's
        :class:`~iptq_mm.datasets.TimmImageDataset` ``crop_pct``, the side of
        the model over the shorter side of the scaled image, and
        ``interpolation``. Of a detector ``scale``, the longer and the shorter
        side that a scaled image has at most (mmdet's ``Resize`` with
        ``keep_ratio``; bilinear). None where the config says nothing of the
        kind.
    """
    images = (config.get('test_dataloader') or {}).get('dataset') or {}
    if images.get('type') == 'iptq_mm.TimmImageDataset':
        settings = resolve_data_config(
            dict(
                img_size=images.get('input_size'),
                crop_pct=images.get('crop_pct')),
            pretrained_cfg=timm.get_pretrained_cfg(images['name']).to_dict())
        return {key: settings[key] for key in ('crop_pct', 'interpolation')}
    for step in images.get('pipeline') or []:
        if step['type'].endswith('Resize') and step.get('keep_ratio'):
            scale = step['scale']
            return dict(scale=[max(scale), min(scale)])
    return None
