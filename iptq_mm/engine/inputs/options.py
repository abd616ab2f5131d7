"""The command line of ``tools/ptq.py``, and the config that it asks for."""
from __future__ import annotations

import math
from ast import literal_eval
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from ..errors import UserError
from .config import load_config, ptq_hook_config
from .preflight import check_data, check_folder, find_checkpoint
from .settings import checked


@dataclass(frozen=True)
class PTQOptions:
    """The command line of ``tools/ptq.py``.

    Args:
        config (str): Config with a ``PTQHook``.
        checkpoint (str, optional): Instead of the config's ``load_from``.
        work_dir (str, optional): Defaults to ``work_dirs/CONFIG``.
        cfg_options (dict): Dotted key -> value.
        num_calib (int, optional): Calibration images, instead of the hook's.
        device (str): ``auto``, ``cpu`` or ``cuda``.
        verify_integer (bool): Run the integer backbone under the guard on a
            few images.
        seed (int, optional): Instead of the hook's.
        trust_checkpoint (bool): Unpickle whatever the checkpoint holds.
        resume (bool): Go on from the statistics that a killed calibration
            has left in the work dir.
        launcher (str): What has started the processes, ``none`` or
            ``pytorch``.
    """
    config: str
    checkpoint: str | None = None
    work_dir: str | None = None
    cfg_options: Mapping[str, Any] = field(default_factory=dict)
    num_calib: int | None = None
    device: str = 'auto'
    verify_integer: bool = False
    seed: int | None = None
    trust_checkpoint: bool = False
    resume: bool = False
    launcher: str = 'none'

    def plain(self) -> dict[str, Any]:
        """What tells one model from another, as JSON knows it. Values of
        options are Python's literals: JSON has no tuples."""
        there = Path(self.config).exists()
        return dict(
            config=str(Path(self.config).absolute() if there else self.config),
            checkpoint=self.checkpoint,
            cfg_options={
                key: repr(value) for key, value in self.cfg_options.items()
            },
            num_calib=self.num_calib,
            seed=self.seed,
            trust_checkpoint=self.trust_checkpoint)

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any], work_dir: str) -> PTQOptions:
        """What :meth:`plain` has written, for a work dir."""
        options = {
            key: literal_eval(value)
            for key, value in plain['cfg_options'].items()
        }
        return cls(**{**plain, 'cfg_options': options}, work_dir=work_dir)


def resolve(options: PTQOptions) -> Config:
    """The config that the options ask for, checked as far as files go.

    Returns:
        Config: ``load_from`` is an existing file or None, ``work_dir`` is
        writable, ``randomness`` and the hook have their seed.

    Raises:
        UserError: If something that the run needs is missing.
    """
    config = load_config(options.config, options.cfg_options)
    hook = ptq_hook_config(config)
    checked({name: value for name, value in hook.items() if name != 'type'})
    if options.num_calib is not None:
        if options.num_calib < 1:
            raise UserError(f'--num-calib {options.num_calib}: calibration '
                            f'needs at least one image.')
        batch_size = hook.calib_dataloader.get('batch_size', 1)
        hook.num_batches = math.ceil(options.num_calib / batch_size)
    if options.seed is not None:
        hook.seed = options.seed
    config.randomness = dict(seed=hook.setdefault('seed', 0))
    if options.checkpoint is not None:
        config.load_from = options.checkpoint
    if options.device == 'cuda' and not torch.cuda.is_available():
        raise UserError('--device cuda: torch sees no GPU here. Use --device '
                        'cpu or leave it out.')
    check_data(config)
    config.load_from = find_checkpoint(config)
    config.work_dir = options.work_dir or config.get(
        'work_dir') or f'work_dirs/{Path(options.config).stem}'
    check_folder(config.work_dir, '--work-dir')
    return config
