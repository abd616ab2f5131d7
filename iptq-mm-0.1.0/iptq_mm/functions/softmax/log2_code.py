"""4-bit log2 codes of probabilities (FQ-ViT, arXiv:2111.13824,
Log-Int-Softmax): p ~ 2^-code, code in 0..15, and zero below that."""
import torch
from torch import Tensor

from iptq_mm.arithmetic import floor_divide

LARGEST_CODE = 15

OPERATIONS = 16
"""Row sum 1, rounded quotient 4 with its division, clamp 1, position of the
leading bit 1 (every processor counts leading zeros), next bit 4, value 5."""


def log2_probabilities(exp: Tensor) -> Tensor:
    """Probabilities of a row rounded to powers of two.

    The quotient sum / exponential is rounded to an integer; its leading
    bit, and the bit behind it, round its logarithm.

    Args:
        exp (Tensor): int64 [..., N], N <= 4096, non-negative, below 2^25;
            the largest of a row is positive.

    Returns:
        Tensor: int64 [..., N]: 2^(15 - code), or 0 for a code above 15.
    """
    total = exp.sum(-1, keepdim=True)
    quotient = floor_divide(2 * total + exp, 2 * exp.clamp(min=1))
    code = _rounded_log2(quotient.clamp(max=4 << LARGEST_CODE))
    value = 1 << (LARGEST_CODE - code).clamp(min=0)
    return torch.where(code > LARGEST_CODE, 0, value)


def _rounded_log2(x: Tensor) -> Tensor:
    """Position of the leading bit plus the bit behind it; x in [1, 2^32)."""
    position, rest = torch.zeros_like(x), x
    for step in (16, 8, 4, 2, 1):
        shift = (rest >= 1 << step).to(torch.int64) * step
        position, rest = position + shift, rest >> shift
    return position + ((2 * x >> position) & 1)
