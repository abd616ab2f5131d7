"""Operators of the non-linear functions: look the candidate up, saturate.

A lowered candidate is its name in ``APPROXIMATIONS`` and an int64 tensor of
parameters; what the parameters mean is the candidate's own affair.

GELU's operator has a parameter more. GELU is nowhere below -0.17, so a range
symmetric about zero would leave half of the codes unused: its integers stand
for y ~ S (q - z) instead. The layer that reads them pays nothing, its bias
takes up -z times the sum of its weights.
"""
import torch
from torch import Tensor

from ..arithmetic import narrow
from ..registry import APPROXIMATIONS
from .library import operator


def with_zero_point(zero: int, params: Tensor) -> Tensor:
    """``params`` of the operator ``gelu``.

    Args:
        zero (int): z, the integer that stands for 0.
        params (Tensor): int64 [P], those of the lowered candidate.

    Returns:
        Tensor: int64 [1 + P].
    """
    return torch.cat([params.new_tensor([zero]), params])


@operator('gelu(Tensor x, str name, Tensor params, int bits=8) -> Tensor')
def gelu(x: Tensor, name: str, params: Tensor, bits: int = 8) -> Tensor:
    """GELU, elementwise.

    Args:
        x (Tensor): int8 or int16, any shape, as wide as the candidate reads.
        name (str): Candidate of kind ``gelu``.
        params (Tensor): As ``with_zero_point`` makes them.
        bits (int): Width of the result, at most 8.

    Returns:
        Tensor: int8, shape of ``x``.
    """
    y = APPROXIMATIONS.get(name).integer(x, params[1:])
    return narrow(y + params[0], bits)


@operator('softmax(Tensor x, str name, Tensor params) -> Tensor')
def softmax(x: Tensor, name: str, params: Tensor) -> Tensor:
    """Softmax over the last axis.

    Args:
        x (Tensor): int32 scores [..., N], |x| <= 2^24.
        name (str): Candidate of kind ``softmax``.
        params (Tensor): Its lowered parameters, int64.

    Returns:
        Tensor: Probabilities at the candidate's ``out_scale``, stored as its
        ``out_dtype``.
    """
    candidate = APPROXIMATIONS.get(name)
    return candidate.integer(x, params).to(candidate.out_dtype)


def attention_weights(x: Tensor, name: str,
                      params: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax over the last axis as attention takes it.

    Args:
        x (Tensor): int32 scores [..., N], |x| <= 2^24.
        name (str): Candidate of kind ``softmax``.
        params (Tensor): Its lowered parameters, int64.

    Returns:
        tuple[Tensor, Tensor]: int32 codes [..., N] at the candidate's
        ``code_scale``, and int64 [..., 1]: 2^30 times what a row of products
        with them is to be multiplied with.
    """
    codes, share = APPROXIMATIONS.get(name).codes(x, params)
    return codes.to(torch.int32), share


@operator('layer_norm(Tensor x, str name, Tensor params, int bits) -> Tensor')
def layer_norm(x: Tensor, name: str, params: Tensor, bits: int) -> Tensor:
    """LayerNorm over the last axis, gamma and beta folded in.

    Args:
        x (Tensor): int16 [..., C], the residual stream.
        name (str): Candidate of kind ``layernorm``.
        params (Tensor): Its lowered parameters, int64 [R, C].
        bits (int): Width of the result: 8 before a matrix product, 16 into
            the residual stream.

    Returns:
        Tensor: int8 or int16, shape of ``x``.
    """
    return narrow(APPROXIMATIONS.get(name).integer(x, params), bits)
