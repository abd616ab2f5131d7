"""IPTQ-ViT's data-aware Poly-GELU: a clipped quartic stands for erf."""
from __future__ import annotations

import math

import numpy as np
import torch
from scipy.optimize import least_squares
from scipy.special import erf
from torch import Tensor

from iptq_mm.registry import APPROXIMATIONS

from . import erf_polynomial

PUBLISHED = (-0.019913, -2.698088)

_QUANTILES = 1024
_GRID = 128
_SMALLEST_RANGE = 1.


@APPROXIMATIONS.register_module(name='poly_gelu')
class PolyGELU:
    """GELU with a fourth-order erf (IPTQ-ViT, arXiv:2511.15369).

        L(u) = sgn(u) [a (min(|u|, -b) + b)^4 + 1]

    The published coefficients differ from GELU on [-3, 3] by 0.0051 rms and
    at most 0.0093.

    Args:
        a (float): In (-1, 0). Defaults to -0.019913, the published one.
        b (float): In [-4, -1]. Defaults to -2.698088, the published one.
        fitted (bool): Whether a and b come from data. Defaults to False.
    """
    kind = 'gelu'
    name = 'poly_gelu'
    extra_bits = 0

    def __init__(self, a: float = PUBLISHED[0], b: float = PUBLISHED[1],
                 fitted: bool = False):
        erf_polynomial.check(a, b, power=4)
        self.a, self.b, self.fitted = a, b, fitted

    @classmethod
    def fit(cls, samples: Tensor) -> 'PolyGELU':
        """a, b of least squared error over the observed sample and range.

        The error of erf is weighted by x / 2, what it weighs in GELU. Beside
        the sample (by its quantiles) stands a coarser even grid over
        [min, max], so that the rare ends of the range are not given up.

        Args:
            samples (Tensor): GELU inputs, float, any shape.

        Returns:
            PolyGELU: The published one if the samples are empty, not finite,
            of one sign, span less than 1, or if the fit is no better.
        """
        points = _fit_points(samples)
        if points is None:
            return cls()
        fit = least_squares(
            lambda ab: _residual(points, *ab), PUBLISHED,
            bounds=([-0.999, -4], [-1e-4, -1]), x_scale=(0.01, 1.))
        a, b = (float(value) for value in fit.x)
        better = 2 * fit.cost < np.sum(_residual(points, *PUBLISHED)**2)
        if not better or -a * b**4 > 2:
            return cls()
        return cls(a, b, fitted=True)

    def ideal(self, x: Tensor) -> Tensor:
        """The approximation in floating point, elementwise."""
        return erf_polynomial.ideal(x, self.a, self.b, power=4)

    def operations(self, row_length: int) -> float:
        """22: |q| 1, to |u| 3, clip 2, two squares 6, a 3, 1 + L 3, q 1,
        requantize 3."""
        return 22.

    def error_bound(self, in_scale: float, out_scale: float) -> float:
        """out_scale / 2 + 2^-19 min(127 in_scale, -b sqrt 2)
        + 2^-24 in_scale, as ``erf_polynomial`` derives."""
        return erf_polynomial.error_bound(self.b, in_scale, out_scale)

    def lower(self, in_scale: float, out_scale: float) -> Tensor:
        """int64 [6], as ``erf_polynomial.lower`` describes."""
        return erf_polynomial.lower(self.a, self.b, in_scale, out_scale)

    @staticmethod
    def params_shape(channels: int) -> tuple[int, ...]:
        """[6]."""
        return (erf_polynomial.PARAMS, )

    @staticmethod
    def integer(x: Tensor, params: Tensor) -> Tensor:
        """int8 of any shape -> int64 at the output scale."""
        t = erf_polynomial.clipped_distance(x, params)
        fourth = erf_polynomial.square(erf_polynomial.square(t))
        return erf_polynomial.gelu_of_power(x, fourth, params)


def _fit_points(samples: Tensor) -> np.ndarray | None:
    """Quantiles and an even grid of the samples; None if degenerate."""
    ordered = samples.detach().flatten().double().cpu().sort().values
    if len(ordered) == 0 or not ordered.isfinite().all():
        return None
    low, high = ordered[0].item(), ordered[-1].item()
    if not low < 0 < high or high - low < _SMALLEST_RANGE:
        return None
    ranks = torch.linspace(0, len(ordered) - 1, _QUANTILES).round().long()
    grid = torch.linspace(low, high, _GRID, dtype=torch.float64)
    return torch.cat([ordered[ranks], grid]).numpy()


def _residual(x: np.ndarray, a: float, b: float) -> np.ndarray:
    """Error of the approximate GELU at x."""
    u = x / math.sqrt(2)
    quartic = a * (np.minimum(np.abs(u), -b) + b)**4 + 1
    return 0.5 * x * (np.sign(u) * quartic - erf(u))
