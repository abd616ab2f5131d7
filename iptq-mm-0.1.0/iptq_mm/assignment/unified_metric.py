"""The Unified Metric of IPTQ-ViT (arXiv:2511.15369).

    Omega = 3 / (1 / N(Q) + N(P) + N(C)),  N(x) = ln(1 + e^x)

Q rewards closeness to the float layer, P and C punish error and cost; the
candidate of largest Omega is taken. Read literally, with Q in dB and C in
operations, C alone decides: Q = 20 to 50 gives 1 / N(Q) = 0.05 to 0.02,
P = 1e-4 gives N(P) = 0.693, and C = 5 to 12 gives N(C) = 5 to 12. So
``normalization`` brings the three to a common range first.
"""
import math

from torch import Tensor

MAX_SQNR_DB = 120.
"""Q is kept within +-120 dB. No 16-bit output comes near; beyond it are only
outputs without any error, and signals that are all zero."""


def sqnr_db(y: Tensor, y_hat: Tensor) -> float:
    """Q: signal to quantization noise ratio, 10 log10(E[y^2] / E[e^2]) in dB.

    Args:
        y (Tensor): Output of the float layer, any shape, not empty.
        y_hat (Tensor): Dequantized output of the candidate, same shape.

    Returns:
        float: In [-120, 120]; 120 where there is no error (of a signal or of
        none), -120 where y is all zero and y_hat is not.
    """
    return decibel(y.double().square().mean().item(), perturbation(y, y_hat))


def decibel(signal: float, noise: float) -> float:
    """10 log10(signal / noise) of two powers, kept within +-120 dB; 120
    where there is no noise."""
    if noise == 0:
        return MAX_SQNR_DB
    if signal == 0:
        return -MAX_SQNR_DB
    ratio = 10 * (math.log10(signal) - math.log10(noise))
    return max(-MAX_SQNR_DB, min(ratio, MAX_SQNR_DB))


def perturbation(y: Tensor, y_hat: Tensor) -> float:
    """P: mean squared error, ||y - y_hat||^2 per element.

    Args:
        y (Tensor): Output of the float layer, any shape, not empty.
        y_hat (Tensor): Dequantized output of the candidate, same shape.

    Returns:
        float: At least 0, in squared units of y.
    """
    return (y.double() - y_hat.double()).square().mean().item()


def softplus(x: float) -> float:
    """N(x) = ln(1 + e^x), without overflow; positive for x >= -700."""
    return max(x, 0.) + math.log1p(math.exp(-abs(x)))


def omega(q: float, p: float, c: float) -> float:
    """Omega = 3 / (1 / N(q) + N(p) + N(c)), for raw or normalized values.

    Args:
        q (float): Closeness, more is better; at least -700.
        p (float): Perturbation, less is better.
        c (float): Cost, less is better.

    Returns:
        float: Positive. Between 0.73 and 1.40 for values in [0, 1].
    """
    return 3 / (1 / softplus(q) + softplus(p) + softplus(c))
