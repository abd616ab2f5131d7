"""``int_model.pth``: a saved integer model.

It has the layout of any mmengine checkpoint, so that mmengine's own loader
takes it: ``state_dict`` of the whole detector and ``meta``, plus a
``schema_version``. The tensors of the integer parts, which ``meta`` names, are
integers only, each in the narrowest type that holds it, which loading widens;
weights of 6 bits and less are packed (``iptq_mm/nn/packed.py``), and integer
modules unpack them when they load them.
Parts that stay float (for ``scope='backbone'``: neck and heads) keep their
float tensors; without them there would be no detector to load. Nothing in it
needs unpickling of code: ``torch.load(weights_only=True)`` reads it. It
carries digests of its integers and of its float rest, which are checked
whenever it is read: a flipped bit gives other integers, and no error.
"""
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...arithmetic import MAX_SHIFT
from ...nn.packed import pack_weight, stored_bits, unpacked_weight
from ..atomic import atomic_file
from ..errors import UserError
from ..inputs.checkpoint import read_dictionary
from .digest import digest_of

SCHEMA_VERSION = 11
"""Raised when the meaning of a key or of a stored integer changes."""

_FORMAT = 'iptq_mm.int_model'


@dataclass(frozen=True)
class IntModel:
    """What ``int_model.pth`` holds.

    Args:
        weights (dict[str, Tensor]): State dict of the whole model, on the
            CPU.
        meta (dict): Plain Python, JSON-able: what was quantized, how, and
            from what. ``integer_parts`` names the modules that hold integers
            only; ``dataset_meta`` (classes, palette) is where mmdet looks for
            it.
    """
    weights: dict[str, Tensor]
    meta: dict[str, Any]


def part_weights(weights: Mapping[str, Tensor],
                 parts: Iterable[str]) -> dict[str, Tensor]:
    """What of a state dict belongs to the parts of the given names."""
    prefixes = tuple(f'{part}.' for part in parts)
    return {
        name: tensor
        for name, tensor in weights.items() if name.startswith(prefixes)
    }


def as_stored(integers: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Integers in the form in which they are stored.

    Args:
        integers (Mapping[str, Tensor]): Of integer parts.

    Returns:
        dict[str, Tensor]: By name: weights of at most 6 bits as uint8,
        packed; all else in the narrowest signed type that holds it (a shift,
        an int64 for the arithmetic, takes a byte).
    """
    return {
        name: pack_weight(tensor) if name.endswith('.weight')
        and stored_bits(tensor) < 8 else _narrowed(tensor)
        for name, tensor in integers.items()
    }


def _narrowed(tensor: Tensor) -> Tensor:
    low, high = (int(tensor.min()), int(tensor.max())) if tensor.numel() else (
        0, 0)
    for dtype in (torch.int8, torch.int16, torch.int32):
        limits = torch.iinfo(dtype)
        if limits.min <= low and high <= limits.max:
            return tensor.to(dtype)
    return tensor


def stored_bytes(integers: Mapping[str, Tensor]) -> int:
    """Bytes of integers as they are stored."""
    return sum(tensor.nbytes for tensor in as_stored(integers).values())


def save_int_model(path: str | Path, model: IntModel) -> None:
    """Write ``int_model.pth``, whole or not at all.

    Raises:
        ValueError: If a tensor of an integer part is not an integer one.
        TypeError: If the meta is not JSON-able.
        UserError: If the file cannot be written.
    """
    integers = part_weights(model.weights, model.meta['integer_parts'])
    for name, tensor in integers.items():
        if tensor.is_floating_point():
            raise ValueError(f'{name} is {tensor.dtype}: an integer part '
                             f'holds integers only')
    json.dumps(model.meta)  # refuses what is not plain
    stored = as_stored(integers)
    checkpoint = dict(
        format=_FORMAT,
        schema_version=SCHEMA_VERSION,
        meta=model.meta,
        sha256=_digests(model),
        row_lengths={
            name: tensor.shape[-1]
            for name, tensor in integers.items()
            if stored[name].dtype == torch.uint8
        },
        dtypes={
            name: str(tensor.dtype).removeprefix('torch.')
            for name, tensor in integers.items()
        },
        state_dict={
            name: stored.get(name, tensor).detach().cpu()
            for name, tensor in model.weights.items()
        })
    with atomic_file(path) as temporary, open(temporary, 'wb') as file:
        torch.save(checkpoint, file)


def load_int_model(path: str | Path) -> IntModel:
    """Read ``int_model.pth``.

    Raises:
        UserError: If it is missing, truncated, damaged (other bits than were
            saved), not written by this project, of another schema version
            than this code understands, or holds numbers outside the
            arithmetic contract.
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
    try:
        model = _unpacked(checkpoint)
        found, saved = _digests(model), checkpoint['sha256']
        other = [what for what in found if found[what] != saved[what]]
    except (KeyError, TypeError, ValueError, AttributeError,
            RuntimeError) as error:
        raise UserError(f'{path} is damaged: what it holds does not fit '
                        f'together. {_AGAIN}') from error
    if other:
        raise UserError(f'{path} is damaged: its {", ".join(other)} are not '
                        f'those that were saved (SHA-256). {_AGAIN}')
    _check_contract(model, path)
    return model


_AGAIN = 'Copy it again, or make it again with tools/ptq.py.'


def _unpacked(checkpoint: Mapping) -> IntModel:
    """A checkpoint whose integers have the types of the arithmetic, and its
    packed weights a byte each."""
    weights = dict(checkpoint['state_dict'])
    for name, length in checkpoint['row_lengths'].items():
        weights[name] = unpacked_weight(weights[name], length)
    for name, dtype in checkpoint['dtypes'].items():
        if dtype not in _DTYPES:
            raise ValueError(f'{name} cannot be {dtype}')
        weights[name] = weights[name].to(getattr(torch, dtype))
    return IntModel(weights, dict(checkpoint['meta']))


def _check_contract(model: IntModel, path: str | Path) -> None:
    """Refuse multipliers, shifts and weights with which the integer
    operators promise nothing (``iptq_mm/arithmetic.py``).

    Raises:
        UserError: Naming the first such tensor.
    """
    integers = part_weights(model.weights, model.meta['integer_parts'])
    for name, tensor in integers.items():
        kind = name.rpartition('.')[2]
        if kind not in _RANGES or not tensor.numel():
            continue
        least, most = _RANGES[kind]
        low, high = int(tensor.min()), int(tensor.max())
        if low < least or high > most:
            raise UserError(
                f'{path}: {name} holds {low if low < least else high}, and '
                f'must lie in [{least}, {most}]. {_AGAIN}')


_DTYPES = ('int8', 'int16', 'int32', 'int64')
"""Of integers in a model."""

_RANGES = dict(m=(1, 2**31 - 1), n=(0, MAX_SHIFT), weight=(-127, 127))


def _digests(model: IntModel) -> dict[str, str]:
    """SHA-256 of the integers, of the tensors that stayed float, and of what
    is said of both."""
    integers = part_weights(model.weights, model.meta['integer_parts'])
    rest = {
        name: tensor
        for name, tensor in model.weights.items() if name not in integers
    }
    meta = json.dumps(model.meta, sort_keys=True).encode()
    return dict(
        integers=digest_of(integers),
        floats=digest_of(rest),
        meta=hashlib.sha256(meta).hexdigest())
