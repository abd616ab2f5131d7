"""4-bit weights, two to a byte, as they are stored."""
from typing import Any

import torch
from torch import Tensor, nn


def pack_int4(weight: Tensor) -> Tensor:
    """Two integers to a byte, the first in the low half, each in two's
    complement.

    Args:
        weight (Tensor): int8 [..., K], values in [-8, 7].

    Returns:
        Tensor: uint8 [..., ceil(K / 2)]; the last half byte of an odd row is
        0.

    Raises:
        ValueError: If a value needs more than 4 bits.
    """
    if weight.numel() and not -8 <= weight.min() <= weight.max() <= 7:
        raise ValueError(f'values in [{weight.min()}, {weight.max()}] do not '
                         f'fit 4 bits')
    halves = torch.nn.functional.pad(weight, (0, weight.shape[-1] % 2)) & 15
    return (halves[..., ::2] | halves[..., 1::2] << 4).view(torch.uint8)


def unpack_int4(packed: Tensor, length: int) -> Tensor:
    """What :func:`pack_int4` was given.

    Args:
        packed (Tensor): uint8 [..., ceil(K / 2)].
        length (int): K.

    Returns:
        Tensor: int8 [..., K].
    """
    halves = torch.stack([packed & 15, packed >> 4], -1).flatten(-2)
    return (halves[..., :length].view(torch.int8) ^ 8) - 8


def unpack_weight(module: nn.Module, state: dict[str, Tensor], prefix: str,
                  *_: Any) -> None:
    """Load hook of a module with an int8 ``weight``: takes it packed, too.

    Args:
        module (nn.Module): Has the buffer ``weight``.
        state (dict[str, Tensor]): State dict; a uint8 weight of the module is
            replaced by its int8 form.
        prefix (str): What the module's names begin with.
    """
    name = f'{prefix}weight'
    if name in state and state[name].dtype == torch.uint8:
        state[name] = unpack_int4(state[name], module.weight.shape[-1])
