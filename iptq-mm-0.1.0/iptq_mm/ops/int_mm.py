"""The exact product of integer matrices, on every device.

It is the one thing in which the operators differ between devices. On CPUs
``@`` multiplies int32; CUDA has ``torch._int_mm`` instead, for int8 matrices
of certain sizes. Both are implementations of one operator, ``iptq::matmul``,
which the references call: everything else in them is code for any device.
Like torch's own operators it has no reference to be opened; the guard and the
export take it as a whole.
"""
import math

import torch
from torch import Tensor

from .library import LIBRARY, NAMESPACE

LIBRARY.define('matmul(Tensor x, Tensor y) -> Tensor')

matmul = getattr(torch.ops, NAMESPACE).matmul
"""``x @ y`` in int32.

Args:
    x (Tensor): Integers [..., M, K], or [..., K] if y is one matrix.
    y (Tensor): int8 [K, N], or [..., K, N] with the leading axes of x.

Returns:
    Tensor: int32 [..., M, N]; whoever calls this has seen to it that every
    sum lies in int32.
"""

_ROWS = _COLUMNS = 32
"""More than 16 rows and a multiple of 8 columns are asked for; multiples of
these let each matrix of a batch begin at a multiple of 256 bytes, the
alignment that cuBLAS supposes."""
_INNER = 8
_DIGITS = 4


def int_mm(x: Tensor, y: Tensor) -> Tensor:
    """:data:`matmul` by ``torch._int_mm``, padded by zeros to its sizes.

    One call for each matrix of a batch: there is no batched one. Numbers of
    more than 8 bits go in as int8 digits, below each other; K < 2^17 keeps
    their sums in int32.
    """
    batch, (inner, columns) = y.shape[:-2], y.shape[-2:]
    count, rows = math.prod(batch), math.prod(x.shape[len(batch):-1])
    digits = _digits(x.reshape(count, rows, inner))
    left = _padded(torch.cat(digits, 1), _ROWS, _INNER)
    # cuBLAS wants the right side column by column.
    right = _padded(y.reshape(count, inner, columns).transpose(1, 2),
                    _COLUMNS, _INNER)
    sums = left.new_empty(count, left.shape[1], right.shape[1],
                          dtype=torch.int32)
    for a, b, total in zip(left, right, sums):
        torch._int_mm(a, b.T, out=total)
    parts = sums[:, :len(digits) * rows, :columns].split(rows, 1)
    return _recombined(parts).reshape(*x.shape[:-1], columns)


def _digits(x: Tensor) -> list[Tensor]:
    """int8 digits in base 256, the lowest first; their sum is x modulo
    2^32."""
    if x.dtype == torch.int8:
        return [x]
    rest, digits = x.to(torch.int64), []
    for _ in range(_DIGITS):
        digits.append(rest.to(torch.int8))  # the lowest byte, as signed
        rest = (rest - digits[-1]) >> 8
    return digits


def _recombined(parts: tuple[Tensor, ...]) -> Tensor:
    """int32 sum of parts times 1, 2^8, 2^16, ..., modulo 2^32."""
    if len(parts) == 1:
        return parts[0]
    total = sum(part.to(torch.int64) << 8 * i for i, part in enumerate(parts))
    return total.to(torch.int32)


def _padded(x: Tensor, rows: int, columns: int) -> Tensor:
    """Contiguous matrices [B, M, N], zeros up to positive multiples."""
    count, height, width = x.shape
    size = (max(1, -(-height // rows)) * rows,
            max(1, -(-width // columns)) * columns)
    if size == (height, width):
        return x.contiguous()
    padded = x.new_zeros(count, *size)
    padded[:, :height, :width] = x
    return padded


def _by_operator(x: Tensor, y: Tensor) -> Tensor:
    return x.to(torch.int32) @ y.to(torch.int32)


LIBRARY.impl('matmul', _by_operator, 'CompositeExplicitAutograd')
LIBRARY.impl('matmul', int_mm, 'CUDA')
