"""What a file says of itself."""
from __future__ import annotations

import json
from typing import Any

import onnx
import torch
from onnx import ModelProto
from torch import nn

from ..environment import is_detector
from .graph.resize import resize_of
from .region import Region

KEY = 'iptq_mm'
"""Of the metadata property that holds the JSON."""

FORMAT = 1
"""Raised when the meaning of an entry changes."""


def describe(region: Region, model: nn.Module,
             versions: dict[str, str]) -> dict[str, Any]:
    """What runs the file needs to know.

    Args:
        region (Region): What was exported.
        model (nn.Module): What it is part of.
        versions (dict[str, str]): Of this project.

    Returns:
        dict: ``part``; ``inputs`` and ``outputs`` with their scales;
        ``normalization`` of the image, or None; ``resize``, see
        ``resize_of``; ``functions``, the candidate of each non-linear layer;
        ``bits`` (None where the model does not say); ``classes`` or None;
        ``versions``.
    """
    config = getattr(model, 'cfg', None) or {}
    backbone = (config.get('model') or {}).get('backbone') or {}
    meta = getattr(model, 'dataset_meta', None) or {}
    return dict(
        format=FORMAT,
        part=region.name,
        inputs=[vars(port) for port in region.inputs],
        outputs=[vars(port) for port in region.outputs],
        size=region.size,
        normalization=_normalization(region, model),
        resize=resize_of(config),
        functions=_functions(region),
        bits=dict(backbone['bits']) if backbone.get('bits') else None,
        classes=list(meta['classes']) if meta.get('classes') else None,
        versions=dict(
            versions, torch=torch.__version__, onnx=onnx.__version__))


def _functions(region: Region) -> dict[str, str]:
    """Candidate by integer module."""
    return {
        name: getattr(module, kind)
        for body in region.modules.values()
        for name, module in body.named_modules()
        for kind in ('layer_norm', 'softmax', 'gelu')
        if isinstance(getattr(module, kind, None), str)
    }


def _normalization(region: Region,
                   model: nn.Module) -> dict[str, Any] | None:
    """Of a pixel p of channel c in 0..255: (p - mean[c]) / std[c]; then the
    integer is clamp(floor(that / scale + 1/2), -127, 127), in float32."""
    own = getattr(model, 'data_preprocessor', None)
    if own is None:
        return None
    # mmdet reads images as BGR, timm as RGB.
    bgr = is_detector(model) and not getattr(
        own, '_channel_conversion', True)
    channels = 'BGR' if bgr else 'RGB'
    if region.inputs[0].name == 'pixels' or not getattr(
            own, '_enable_normalize', False):
        return dict(mean=None, std=None, channels=channels)
    return dict(
        mean=own.mean.flatten().tolist(), std=own.std.flatten().tolist(),
        channels=channels)


def write(model: ModelProto, description: dict[str, Any]) -> None:
    """Put a description into a model."""
    onnx.helper.set_model_props(model, {KEY: json.dumps(description)})


def read(model: ModelProto) -> dict[str, Any]:
    """The description in a model."""
    entries = {entry.key: entry.value for entry in model.metadata_props}
    return json.loads(entries[KEY])
