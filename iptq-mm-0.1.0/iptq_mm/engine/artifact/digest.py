"""Digests of tensors: whether two models have the same integers."""
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


def digest(modules: Iterable[nn.Module]) -> str:
    """SHA-256 of names, dtypes, shapes and values of all tensors of modules.
    """
    sha = hashlib.sha256()
    for module in modules:
        _add(sha, module.state_dict())
    return sha.hexdigest()


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, dtypes, shapes and values of tensors, in order."""
    sha = hashlib.sha256()
    _add(sha, tensors)
    return sha.hexdigest()


def _add(sha: Any, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        sha.update(f'{name} {tensor.dtype} {list(tensor.shape)}'.encode())
        data = tensor.cpu().contiguous().view(-1).view(torch.uint8)
        sha.update(data.numpy().tobytes())
