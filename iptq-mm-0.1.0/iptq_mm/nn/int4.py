"""4-bit weights, two to a byte, as they are stored.

Groups of ``GROUP`` weights have a step each, which stands behind the codes of
its row: a weight is its code times its group's step
(``iptq_mm/lowering/rounding/groups.py`` makes such weights). The step is found
again as the greatest common divisor of the group.
"""
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


GROUP = 32
"""Weights of a row that share a step."""


def codes_and_steps(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weights as codes times the steps of their groups.

    Args:
        weight (Tensor): int8 [N, K].

    Returns:
        tuple[Tensor, Tensor]: int8 [N, K], and int8 [N, ceil(K / 32)],
        positive: the greatest step of which all weights of a group are
        multiples.
    """
    missing = -weight.shape[-1] % GROUP
    padded = torch.nn.functional.pad(weight, (0, missing)).int()
    groups = padded.unflatten(-1, (-1, GROUP))
    steps = groups[..., 0].abs()
    for one in groups.unbind(-1)[1:]:
        steps = torch.gcd(steps, one)
    steps = steps.clamp(min=1)
    codes = (groups // steps[..., None]).flatten(-2)[:, :weight.shape[-1]]
    return codes.to(torch.int8), steps.to(torch.int8)


def fits_4_bits(weight: Tensor) -> bool:
    """Whether :func:`pack_weight` can take it: int8 [N, K], codes of at most
    4 bits."""
    if weight.dtype != torch.int8 or weight.dim() != 2 or not weight.numel():
        return False
    codes, _ = codes_and_steps(weight)
    return -8 <= int(codes.min()) and int(codes.max()) <= 7


def pack_weight(weight: Tensor) -> Tensor:
    """Codes, two to a byte, and then the steps of each row.

    Args:
        weight (Tensor): int8 [N, K].

    Returns:
        Tensor: uint8 [N, ceil(K / 2) + ceil(K / 32)].

    Raises:
        ValueError: If a code needs more than 4 bits.
    """
    codes, steps = codes_and_steps(weight)
    return torch.cat([pack_int4(codes), steps.view(torch.uint8)], -1)


def packed_bytes(rows: int, length: int) -> int:
    """How many bytes :func:`pack_weight` makes of int8 [rows, length]."""
    return rows * (-(-length // 2) - (-length // GROUP))


def unpacked_weight(packed: Tensor, length: int) -> Tensor:
    """What :func:`pack_weight` was given.

    Args:
        packed (Tensor): uint8 [N, ceil(K / 2) + ceil(K / 32)].
        length (int): K.

    Returns:
        Tensor: int8 [N, K].
    """
    codes, steps = packed.tensor_split([-(-length // 2)], -1)
    spread = steps.view(torch.int8).repeat_interleave(GROUP, -1)
    return unpack_int4(codes.contiguous(), length) * spread[:, :length]


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
        state[name] = unpacked_weight(state[name], module.weight.shape[-1])
