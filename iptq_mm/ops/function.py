"""Operators of the non-linear functions: look the candidate up, saturate.

A lowered candidate is its name in ``APPROXIMATIONS`` and an int64 tensor of
parameters; what the parameters mean is the candidate's own affair.
"""
from torch import Tensor

from ..arithmetic import narrow
from ..registry import APPROXIMATIONS
from .library import operator


@operator('gelu(Tensor x, str name, Tensor params, int bits=8) -> Tensor')
def gelu(x: Tensor, name: str, params: Tensor, bits: int = 8) -> Tensor:
    """GELU, elementwise.

    Args:
        x (Tensor): int8, any shape.
        name (str): Candidate of kind ``gelu``.
        params (Tensor): Its lowered parameters, int64.
        bits (int): Width of the result, at most 8.

    Returns:
        Tensor: int8, shape of ``x``.
    """
    return narrow(APPROXIMATIONS.get(name).integer(x, params), bits)


@operator('softmax(Tensor x, str name, Tensor params) -> Tensor')
def softmax(x: Tensor, name: str, params: Tensor) -> Tensor:
    """Softmax over the last axis.

    Args:
        x (Tensor): int32 scores [..., N], |x| <= 2^24.
        name (str): Candidate of kind ``softmax``.
        params (Tensor): Its lowered parameters, int64.

    Returns:
        Tensor: Probabilities at the candidate's ``out_scale``, stored as its
        ``out_dtype`` (uint8 at 2^-bits unless the candidate says otherwise).
    """
    candidate = APPROXIMATIONS.get(name)
    return candidate.integer(x, params).to(candidate.out_dtype)


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
