"""Narrow weights, as they are stored.

Weights of 4 bits lie two to a byte; behind the codes of its row, groups of
``GROUP`` weights have a step each: a weight is its code times its group's step
(``iptq_mm/lowering/rounding/groups.py`` makes such weights). The step is found
again as the greatest common divisor of the group.

Weights of 6 bits lie in two planes: the lower four bits of each as above, and
behind them the upper two, four to a byte.
"""
from typing import Any

import torch
from torch import Tensor, nn

GROUP = 32
"""Weights of 4 bits of a row that share a step."""

LEAST_INPUTS = 5
"""Of a row that is packed: shorter ones would not become smaller, and of 6
bits be taken for such of 4."""


def _parts(values: Tensor, bits: int) -> Tensor:
    """Integers of a few bits, the first in the lowest bits of a byte.

    Args:
        values (Tensor): int8 [..., K], of which ``bits`` bits count.
        bits (int): 2 or 4.

    Returns:
        Tensor: uint8 [..., ceil(K bits / 8)], with zeros at the end.
    """
    count = 8 // bits
    padded = torch.nn.functional.pad(values, (0, -values.shape[-1] % count))
    parts = padded.unflatten(-1, (-1, count)).view(torch.uint8) & (
        (1 << bits) - 1)
    packed = parts[..., 0].clone()
    for i in range(1, count):
        packed |= parts[..., i] << (bits * i)
    return packed


def _whole(packed: Tensor, bits: int, length: int) -> Tensor:
    """What :func:`_parts` was given, without signs: int8 [..., length]."""
    parts = [packed >> shift & ((1 << bits) - 1)
             for shift in range(0, 8, bits)]
    return torch.stack(parts, -1).flatten(-2)[..., :length].view(torch.int8)


def _signed(values: Tensor, bits: int) -> Tensor:
    """Integers of a few bits in two's complement."""
    half = 1 << (bits - 1)
    return (values ^ half) - half


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
    return _parts(weight, 4)


def unpack_int4(packed: Tensor, length: int) -> Tensor:
    """What :func:`pack_int4` was given.

    Args:
        packed (Tensor): uint8 [..., ceil(K / 2)].
        length (int): K.

    Returns:
        Tensor: int8 [..., K].
    """
    return _signed(_whole(packed, 4, length), 4)


def planes(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Integers of 6 bits as 16 times the upper two plus the lower four.

    Args:
        weight (Tensor): int8 [..., K], values in [-32, 31].

    Returns:
        tuple[Tensor, Tensor]: uint8 [..., ceil(K / 2)] and [..., ceil(K / 4)],
        the lower bits and the upper ones, these in two's complement.
    """
    return _parts(weight, 4), _parts(weight >> 4, 2)


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


def stored_bits(weight: Tensor) -> int:
    """The bits in which a weight is stored.

    Args:
        weight (Tensor): Anything; what is packed is int8 [N, K].

    Returns:
        int: 4, 6, or 8, as it is.
    """
    if (weight.dtype != torch.int8 or weight.dim() != 2 or not len(weight)
            or weight.shape[1] < LEAST_INPUTS):
        return 8
    codes, _ = codes_and_steps(weight)
    if -8 <= int(codes.min()) and int(codes.max()) <= 7:
        return 4
    return 6 if -32 <= weight.min() and weight.max() <= 31 else 8


def pack_weight(weight: Tensor) -> Tensor:
    """A weight in the bits that it needs.

    Args:
        weight (Tensor): int8 [N, K].

    Returns:
        Tensor: Of 4 bits uint8 [N, ceil(K / 2) + ceil(K / 32)], of 6 bits
        uint8 [N, ceil(K / 2) + ceil(K / 4)], of 8 the weight itself.
    """
    bits = stored_bits(weight)
    if bits == 8:
        return weight
    if bits == 6:
        return torch.cat(planes(weight), -1)
    codes, steps = codes_and_steps(weight)
    return torch.cat([pack_int4(codes), steps.view(torch.uint8)], -1)


def packed_bytes(rows: int, length: int, bits: int) -> int:
    """How many bytes a weight of so many bits takes.

    Args:
        rows (int), length (int): Of the weight.
        bits (int): 2 to 8; what is neither 4 nor 6 is stored in the next
            width that there is.
    """
    if bits > 6 or length < LEAST_INPUTS:
        return rows * length
    behind = 4 if bits > 4 else GROUP
    return rows * (-(-length // 2) - (-length // behind))


def unpacked_weight(packed: Tensor, length: int) -> Tensor:
    """What :func:`pack_weight` was given.

    Args:
        packed (Tensor): uint8 [N, bytes of a row].
        length (int): K.

    Returns:
        Tensor: int8 [N, K].
    """
    half = -(-length // 2)
    lower, behind = packed.tensor_split([half], -1)
    if packed.shape[-1] == packed_bytes(1, length, 6):
        upper = _signed(_whole(behind.contiguous(), 2, length), 2)
        return upper * 16 + _whole(lower.contiguous(), 4, length)
    spread = behind.view(torch.int8).repeat_interleave(GROUP, -1)
    return unpack_int4(lower.contiguous(), length) * spread[:, :length]


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
