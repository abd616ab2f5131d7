"""What is checked before any work is done."""
from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.config import Config
from torch import nn

from ...lowering import lowering_of
from ...models.detectors.swin_backbone import DEFAULT_BITS
from ..errors import UserError
from .config import ptq_hook_config

NEEDS_NO_FILES = ('configs/iptq_swin_nano_maskrcnn_shapes.py and '
                  'configs/iptq_vit_nano_shapes.py run without any.')


def _datasets(config: Any) -> Iterator[Mapping]:
    """The innermost dataset configs: wrappers hold ``dataset(s)``."""
    if isinstance(config, Mapping):
        inner = config.get('dataset', config.get('datasets'))
        yield from [config] if inner is None else _datasets(inner)
    elif isinstance(config, Sequence):
        for item in config:
            yield from _datasets(item)


def _require(path: str, what: str, source: str) -> None:
    if '://' in path or os.path.exists(path):  # an object store is not here
        return
    raise UserError(
        f'{what} is not there: {os.path.abspath(path)}. Put the data there '
        f'(from {source}), or give its folder by --cfg-options '
        f'data_root=FOLDER. {NEEDS_NO_FILES}')


def check_data(config: Config) -> None:
    """Look for every folder and annotation file of test and calibration.

    Raises:
        UserError: Naming the first that is missing, and where its data comes
            from: what the config says in ``data_source``.
    """
    source = config.get('data_source', 'wherever the config has it from')
    loaders = dict(
        calibration=ptq_hook_config(config).get('calib_dataloader'),
        test=config.get('test_dataloader'))
    for use, loader in loaders.items():
        if not loader:
            raise UserError(f'{config.filename} has no {use} dataloader.')
        for dataset in _datasets(loader['dataset']):
            root = dataset.get('data_root') or '.'
            files = {f'the annotation file for {use}': dataset.get('ann_file')}
            for folder in (dataset.get('data_prefix') or {}).values():
                files[f'the image folder for {use}'] = folder
            for what, path in files.items():
                if path:
                    _require(os.path.join(root, path), what, source)
            _require(root, f'the data folder for {use}', source)
    evaluators = config.get('test_evaluator') or []
    for evaluator in ([evaluators]
                      if isinstance(evaluators, Mapping) else evaluators):
        if evaluator.get('ann_file'):
            _require(evaluator['ann_file'],
                     'the annotation file for the evaluation', source)


def find_checkpoint(config: Config) -> str | None:
    """The file of ``load_from``; that of an address from torch's cache.

    Returns:
        str | None: Path of an existing file; None if the config names no
        checkpoint.

    Raises:
        UserError: If the file is missing, saying how to get it.
    """
    source = config.get('load_from')
    if source is None:
        return None
    address = urlparse(source)
    if address.scheme not in ('http', 'https'):
        if not os.path.isfile(source):
            raise UserError(
                f'the checkpoint is not there: {os.path.abspath(source)}. '
                f'Give another as CHECKPOINT. {NEEDS_NO_FILES}')
        return os.path.normpath(source)
    cached = os.path.join(torch.hub.get_dir(), 'checkpoints',
                          os.path.basename(address.path))
    if not os.path.isfile(cached):
        raise UserError(
            f'the checkpoint is not there: {cached}. Get it by\n'
            f'  curl -L --create-dirs -o {cached} {source}\n'
            f'or give another as CHECKPOINT, or run on random weights with '
            f'--cfg-options load_from=None. {NEEDS_NO_FILES}')
    return cached


def check_folder(path: str | Path, option: str) -> None:
    """Make a folder and try to write into it.

    Args:
        path (str | Path): The folder.
        option (str): What of the command line names it, for the message.

    Raises:
        UserError: If that cannot be done.
    """
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise UserError(
            f'the folder {path} cannot be written: '
            f'{error.strerror or error}. Choose another with {option}.'
        ) from error


def check_backbone(model: nn.Module) -> None:
    """Refuse a model whose backbone has no integer form, at whatever widths.

    Raises:
        UserError: Naming what the backbone is instead.
    """
    try:
        lowering_of(getattr(model, 'backbone', None), DEFAULT_BITS)
    except TypeError as error:
        raise UserError(
            f'the backbone of {type(model).__name__} is a {error}.') from error
