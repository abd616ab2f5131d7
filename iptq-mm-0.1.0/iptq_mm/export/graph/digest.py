"""A number that tells when constants of a file have changed on the way."""
from collections.abc import Sequence

import numpy as np
from torch import Tensor

_MIX = np.uint64(0x9E3779B97F4A7C15)
_BETWEEN = 0x100000001B3


def digest(tensors: Sequence[Tensor]) -> int:
    """Of the bytes of integer tensors, one after the other.

    The words of 8 bytes of a tensor (zeros make the last one whole), mixed and
    each times an odd number of its own, are summed modulo 2^64: a bit that is
    flipped always shows. ``core/onnxruntime/digest.cpp`` computes the same.

    Returns:
        int: As a signed number of 64 bits.
    """
    total = 0
    for x in tensors:
        content = x.contiguous().numpy().tobytes()
        words = np.frombuffer(
            content + bytes(-len(content) % 8), dtype=np.uint64)
        odd = 2 * np.arange(len(words), dtype=np.uint64) + np.uint64(1)
        mixed = int(((words ^ _MIX) * odd).sum(dtype=np.uint64))
        total = (total * _BETWEEN + mixed + len(content)) % 2**64
    return total - (total >> 63 << 64)
