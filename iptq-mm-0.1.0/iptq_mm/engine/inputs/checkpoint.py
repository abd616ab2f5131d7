"""Float checkpoints: read without running their code, checked before use."""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log
from torch import Tensor, nn

from ...compat import load_tensors
from ..errors import UserError
from .swin_keys import is_microsoft, to_mmdet

_NOT_SAVED_BY_ALL = ('num_batches_tracked', 'relative_position_index')
"""Buffers that are constants or counters: some writers leave them out."""


def _history_statistic(owner: type, name: str) -> Any:
    """Stand-in for ``getattr`` while unpickling.

    A ``HistoryBuffer`` is pickled with references to its own four methods;
    the real ``getattr`` would hand out any attribute of anything allowed.
    """
    if owner is not HistoryBuffer or name not in ('min', 'max', 'mean',
                                                  'current'):
        raise UnpicklingError(
            f'Unsupported global: GLOBAL builtins.getattr of {owner} {name}')
    return getattr(owner, name)


def _mmengine_globals() -> list:
    """What mmengine writes into a checkpoint beside tensors and plain Python:
    the log scalars of its message hub, numpy arrays inside."""
    reconstruct: Any = np.zeros(1).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    numbers = ('?', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2',
               'f4', 'f8')
    return [
        HistoryBuffer, np.ndarray, np.dtype,
        (_history_statistic, 'builtins.getattr'),
        # numpy 1 and numpy 2 name the module differently.
        *((reconstruct, f'numpy.{core}.multiarray._reconstruct')
          for core in ('core', '_core')),
        *((scalar, f'numpy.{core}.multiarray.scalar')
          for core in ('core', '_core')),
        *{type(np.dtype(number)) for number in numbers}
    ]


def read_checkpoint(path: str | Path, trust: bool = False) -> dict:
    """Read a float checkpoint onto the CPU.

    Args:
        path (str | Path): File written by ``torch.save``.
        trust (bool): Unpickle whatever it holds, which can run any code.
            Otherwise only tensors, plain Python and what mmengine itself
            writes are accepted. Defaults to False.

    Returns:
        dict: What was saved.

    Raises:
        UserError: If the file is missing, truncated, no checkpoint, or holds
            objects that only ``trust`` would load.
    """
    if not Path(path).is_file():
        raise UserError(
            f'the checkpoint {path} is not there. Give the path of a float '
            f'checkpoint as CHECKPOINT or as load_from in the config.')
    if trust:
        return read_dictionary(path, partial(
            torch.load, map_location='cpu', weights_only=False))
    return read_dictionary(path, partial(
        load_tensors, allowed=_mmengine_globals()))


def read_dictionary(path: str | Path,
                    load: Callable[..., Any] = load_tensors) -> dict:
    """A dictionary that ``torch.save`` wrote; failures told apart.

    Args:
        path (str | Path): The file.
        load (Callable): Reads it. Defaults to one that takes tensors and
            plain Python only.

    Raises:
        UserError: If the file is missing, truncated or no dictionary, or
            holds what ``load`` refuses.
    """
    try:
        content = load(path)
    except (UnpicklingError, RuntimeError, EOFError, OSError, ValueError,
            KeyError, AttributeError, ImportError) as error:
        refused = re.search(r'GLOBAL (\S+)', str(error))
        if refused:
            raise UserError(
                f'{path} holds the Python object {refused[1]}, and loading '
                f'it could run foreign code. If it is a float checkpoint '
                f'that you trust, pass --trust-checkpoint.') from error
        reason = str(error).partition('\n')[0] or repr(error)
        raise UserError(
            f'{path} is no torch checkpoint, or it is truncated: {reason}. '
            f'Copy or download it again.') from error
    if not isinstance(content, Mapping):
        raise UserError(
            f'{path} holds a {type(content).__name__}, not a dictionary with '
            f'a state_dict: it is no checkpoint of a model.')
    return dict(content)


def weights_of(checkpoint: Mapping) -> dict[str, Tensor]:
    """The tensors of a checkpoint by their name in the model.

    Args:
        checkpoint (Mapping): As mmengine writes it (``state_dict``), as
            Microsoft does (``model``), or bare.

    Returns:
        dict[str, Tensor]: Without the ``module.`` of a parallel wrapper; a
        Swin detector of Microsoft's by mmdet's names.
    """
    weights = checkpoint.get('state_dict', checkpoint.get('model', checkpoint))
    weights = {
        re.sub(r'^module\.', '', name): tensor
        for name, tensor in weights.items() if isinstance(tensor, Tensor)
    }
    if not is_microsoft(weights):
        return weights
    print_log(
        "The checkpoint has the names of Microsoft's Swin detectors; its "
        "backbone is brought to mmdet's.", 'current')
    return to_mmdet(weights)


def check_finite(weights: Mapping[str, Tensor], where: str) -> None:
    """Refuse NaN and Inf.

    Args:
        weights (Mapping[str, Tensor]): Tensors by name, any dtype.
        where (str): What they are of, for the message.

    Raises:
        UserError: Naming the first tensor that is not finite.
    """
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            count = int((~tensor.isfinite()).sum())
            raise UserError(
                f'{where}: {count} of {tensor.numel()} values of {name} are '
                f'NaN or Inf. Training has diverged or the file is damaged; '
                f'take an earlier checkpoint.')


def load_weights(model: nn.Module, weights: Mapping[str, Tensor],
                 where: str) -> None:
    """Put weights into a model, all of them or an error.

    Half precision weights are widened to the model's own dtype.

    Args:
        model (nn.Module): Receives them.
        weights (Mapping[str, Tensor]): Tensors by name.
        where (str): What they are of, for the message.

    Raises:
        UserError: If a part of the model gets nothing, a name or a shape does
            not fit, or a value is not finite.
    """
    check_finite(weights, where)
    own = model.state_dict()
    absent = _parts(own) - _parts(weights)
    if absent:
        raise UserError(
            f'{where} has no weights of {", ".join(sorted(absent))}. It must '
            f'hold the whole model of the config; a backbone pretrained on '
            f'classification is not enough. Take the checkpoint of a trained '
            f'detector.')
    misfits = [
        f'{name} (shape {tuple(weights[name].shape)}, the model has '
        f'{tuple(own[name].shape)})' for name in own
        if name in weights and weights[name].shape != own[name].shape
    ]
    if not misfits:
        result = model.load_state_dict(weights, strict=False)
        misfits = [
            f'{name} ({what})' for names, what in (
                (result.missing_keys, 'missing in the checkpoint'),
                (result.unexpected_keys, 'unknown to the model'))
            for name in names if not name.endswith(_NOT_SAVED_BY_ALL)
        ]
    if misfits:
        raise UserError(
            f'{len(misfits)} keys of {where} do not fit the model of the '
            f'config: {", ".join(misfits[:3])}'
            f'{", ..." if len(misfits) > 3 else ""}. Take the config that the '
            f'checkpoint was trained with.')


def _parts(weights: Mapping[str, Tensor]) -> set[str]:
    """Children of the model that weights are for: backbone, neck, ..."""
    return {name.partition('.')[0] for name in weights}
