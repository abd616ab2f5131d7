"""Configs: parsed, with a data root that moves, and the hook found in them."""
from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.hub import get_config
from mmengine.runner import Runner

from ...environment import has_mmdet, own_config
from ..errors import UserError


def load_config(path: str | Path,
                options: Mapping[str, Any] | None = None) -> Config:
    """Parse a config and apply options to it.

    mmengine substitutes ``data_root`` into the datasets and evaluators when
    it parses a file, so that setting the variable afterwards moves nothing.
    Here the option ``data_root``, or any whose name ends so, replaces the old
    root wherever a string of the config begins with it; the other options are
    merged after that.

    Args:
        path (str | Path): A config file, or the name of an installed
            package's own: ``mmdet::faster_rcnn/...``, ``iptq_mm::...``.
        options (Mapping[str, Any], optional): Dotted key -> value, as
            ``mmengine.config.DictAction`` parses ``--cfg-options``.

    Returns:
        Config: The resolved config.

    Raises:
        UserError: If the file is missing or no config, or an option does not
            fit it.
    """
    packaged = '::' in str(path)
    if str(path).startswith('iptq_mm::'):
        path, packaged = _own(str(path)), False
    if not packaged and not Path(path).is_file():
        raise UserError(f'the config {path} is not there. The configs that '
                        f'come with the project are in configs/.')
    try:
        config = get_config(str(path)) if packaged else Config.fromfile(path)
    except Exception as error:  # a config is Python, it can raise anything
        _require_mmdet(path, 'mmdet' in str(error))
        raise UserError(f'{path} is no config that mmengine can parse: '
                        f'{type(error).__name__}: {error}') from error
    _require_mmdet(path, config.get('default_scope') == 'mmdet')
    options = dict(options or {})
    _check_keys(config, options)
    for key in [key for key in options if key.endswith('_root')]:
        _move_root(config, key, str(options.pop(key)))
    try:
        config.merge_from_dict(options)
    except (KeyError, TypeError, IndexError) as error:
        raise UserError(f'--cfg-options {" ".join(options)} do not fit '
                        f'{path}: {error}') from error
    return config


def _require_mmdet(path: str | Path, asked: bool) -> None:
    if asked and not has_mmdet():
        raise UserError(f'{path} needs mmdet: install it, and mmcv with '
                        f'compiled operators (see docs/installation.md). '
                        f'Without them there are classifiers.')


def _own(name: str) -> Path:
    try:
        return own_config(name.partition('::')[2])
    except FileNotFoundError as error:
        raise UserError(str(error)) from error


def _check_keys(config: Config, options: Iterable[str]) -> None:
    """Refuse an option for a part that the config does not have, if it has
    one of nearly that name: mmengine would add it, and nobody read it."""
    known = {*config, *signature(Runner).parameters}
    for option in options:
        part = option.partition('.')[0]
        near = get_close_matches(part, config, n=1, cutoff=0.8)
        if part not in known and near:
            raise UserError(f'--cfg-options {option}: {config.filename} has '
                            f'no {part}. Did you mean {near[0]}?')


def _move_root(config: Config, key: str, root: str) -> None:
    old = config.get(key)
    if not isinstance(old, str):
        raise UserError(f'{config.filename} has no {key} that --cfg-options '
                        f'could move.')
    old, root = old.rstrip('/'), root.rstrip('/') or '/'

    def moved(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: moved(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(moved(item) for item in value)
        if isinstance(value, str) and f'{value}/'.startswith(f'{old}/'):
            return root + value[len(old):]
        return value

    config.merge_from_dict(moved(config.to_dict()))


def ptq_hook_config(config: Config) -> ConfigDict:
    """The ``PTQHook`` among the custom hooks of a config.

    Returns:
        ConfigDict: The very entry, so that changing it changes the config.

    Raises:
        UserError: If there is none.
    """
    for hook in config.get('custom_hooks') or []:
        if str(hook['type']).rpartition('.')[2] == 'PTQHook':
            return hook
    raise UserError(
        f'{config.filename} has no PTQHook in custom_hooks, so nothing says '
        f'which images to calibrate on. See configs/iptq_*.py for one.')


def without_ptq_hook(config: Config) -> Config:
    """A copy of a config whose custom hooks hold no ``PTQHook``."""
    result = copy.deepcopy(config)
    hook = ptq_hook_config(result)
    result.custom_hooks = [
        other for other in result.custom_hooks if other is not hook
    ]
    return result
