"""``int_model.pth``: a saved integer model.

It has the layout of any mmengine checkpoint, so that mmengine's own loader
takes it: ``state_dict`` of the whole detector and ``meta``, plus a
``schema_version``. The backbone's tensors are integers only. Parts that stay
float (for ``scope='backbone'``: neck and heads) keep their float tensors;
without them there would be no detector to load. Nothing in it needs
unpickling of code: ``torch.load(weights_only=True)`` reads it.
"""
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .atomic import atomic_file
from .checkpoint import read_dictionary
from .errors import UserError

SCHEMA_VERSION = 2
"""Raised when the meaning of a key or of a stored integer changes."""

_FORMAT = 'iptq_mm.int_model'


@dataclass(frozen=True)
class IntModel:
    """What ``int_model.pth`` holds.

    Args:
        weights (dict[str, Tensor]): State dict of the whole model, on the
            CPU; integers below ``backbone.``.
        meta (dict): Plain Python, JSON-able: what was quantized, how, and
            from what. ``dataset_meta`` (classes, palette) is where mmdet
            looks for it.
    """
    weights: dict[str, Tensor]
    meta: dict[str, Any]


def save_int_model(path: str | Path, model: IntModel) -> None:
    """Write ``int_model.pth``, whole or not at all.

    Raises:
        ValueError: If a backbone tensor is not an integer one.
        TypeError: If the meta is not JSON-able.
        UserError: If the file cannot be written.
    """
    for name, tensor in model.weights.items():
        if name.startswith('backbone.') and tensor.is_floating_point():
            raise ValueError(f'{name} is {tensor.dtype}: the backbone of an '
                             f'integer model holds integers only')
    json.dumps(model.meta)  # refuses what is not plain
    checkpoint = dict(
        format=_FORMAT,
        schema_version=SCHEMA_VERSION,
        meta=model.meta,
        state_dict={
            name: tensor.detach().cpu()
            for name, tensor in model.weights.items()
        })
    with atomic_file(path) as temporary, open(temporary, 'wb') as file:
        torch.save(checkpoint, file)


def load_int_model(path: str | Path) -> IntModel:
    """Read ``int_model.pth``.

    Raises:
        UserError: If it is missing, truncated, not written by this project,
            or of another schema version than this code understands.
    """
    if not Path(path).is_file():
        raise UserError(f'the integer model {path} is not there. Make one '
                        f'with tools/ptq.py.')
    checkpoint = read_dictionary(path)
    if checkpoint.get('format') != _FORMAT:
        raise UserError(f'{path} is a checkpoint, but no int_model.pth of '
                        f'IPTQ-MM. Make one with tools/ptq.py.')
    version = checkpoint.get('schema_version')
    if version != SCHEMA_VERSION:
        newer = isinstance(version, int) and version > SCHEMA_VERSION
        remedy = ('Update IPTQ-MM.' if newer else
                  'Make it again with tools/ptq.py.')
        raise UserError(
            f'{path} has schema version {version}, '
            f'{"newer" if newer else "older"} than version {SCHEMA_VERSION} '
            f'that this IPTQ-MM understands. {remedy}')
    weights, meta = checkpoint.get('state_dict'), checkpoint.get('meta')
    if not isinstance(weights, Mapping) or not isinstance(meta, Mapping):
        raise UserError(f'{path} lacks its state_dict or its meta: it is '
                        f'damaged. Make it again with tools/ptq.py.')
    return IntModel(dict(weights), dict(meta))
