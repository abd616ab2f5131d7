"""A saved integer model, ready to run."""
from __future__ import annotations

from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from torch import nn

from ...registry import MODELS
from ..errors import UserError
from ..inputs.checkpoint import load_weights
from ..inputs.config import load_config
from .int_model import load_int_model


def load(config: str | Path,
         checkpoint: str | Path | None = None,
         device: str = 'cpu') -> nn.Module:
    """Build an integer model from the files of ``tools/ptq.py``.

    Nothing is calibrated.

    Args:
        config (str | Path): ``int_config.py``.
        checkpoint (str | Path, optional): ``int_model.pth``. Defaults to the
            one beside the config.
        device (str): Where it is to run. Defaults to ``'cpu'``.

    Returns:
        nn.Module: In evaluation mode, with ``cfg`` and ``dataset_meta``, as
        mmdet's ``inference_detector`` takes it.

    Raises:
        UserError: If a file is missing or damaged, the config is none of an
            integer model, they do not fit, or there is no such device.
    """
    parsed = load_config(config)
    path = parsed.get('load_from') if checkpoint is None else checkpoint
    if path is None or parsed.get('model') is None:
        raise UserError(_foreign(config))
    saved = load_int_model(path)
    init_default_scope(parsed.get('default_scope', 'mmdet'))
    model = MODELS.build(parsed.model)
    if not any(
            getattr(part, 'integer_region', False)
            for part in model.modules()):
        raise UserError(_foreign(config))
    load_weights(model, saved.weights, str(path))
    model.cfg, model.dataset_meta = parsed, saved.meta['dataset_meta']
    try:
        model.to(torch.device(device))
    except (RuntimeError, AssertionError) as error:
        raise UserError(f'device {device!r} cannot be used: {error}. Leave '
                        f'it out to run on the CPU.') from error
    return model.eval()


def _foreign(config: str | Path) -> str:
    return (f'{config} describes no integer model. Give the int_config.py '
            f'that tools/ptq.py wrote.')
