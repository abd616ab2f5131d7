"""How far each candidate is from the function it stands for.

Two errors: of the approximation itself, in floating point, on a stated range;
and of the whole integer forward at 8 bits, its rounding included.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..assignment.layers import GELULayer, Layer, LayerNormLayer, SoftmaxLayer
from ..functions.base import Candidate
from ..registry import APPROXIMATIONS

GELU_RANGE = (-3., 3.)
POINTS = 6000
"""Even, so that 0 is none of them: erf follows from GELU but there."""

ROWS, SCORES, CHANNELS = 1000, 49, 96
"""Softmax is tried on rows of a 7 x 7 window, LayerNorm on rows as wide as
the first stage of Swin-T; all normally distributed and seeded."""


@dataclass(frozen=True)
class Curve:
    """A function of one variable, and what a candidate makes of it.

    Args:
        name (str): The candidate, and what is particular about the curve.
        kind (str): ``gelu`` or ``softmax`` (its exponential).
        base (float): The exponential's base; 0 for GELU.
        range (tuple[float, float]): Where they are compared.
        exact (Callable): Float tensor to float tensor.
        approximate (Callable): Likewise.
    """
    name: str
    kind: str
    base: float
    range: tuple[float, float]
    exact: Callable[[Tensor], Tensor]
    approximate: Callable[[Tensor], Tensor]

    def points(self) -> Tensor:
        """Evenly spread over the range, ends included; float64 [6000]."""
        return torch.linspace(*self.range, POINTS, dtype=torch.float64)

    def error(self) -> Tensor:
        """Approximate minus exact at the points; float64 [6000]."""
        x = self.points()
        return self.approximate(x) - self.exact(x)


@dataclass(frozen=True)
class FunctionError:
    """Errors of one candidate.

    Args:
        name (str): The candidate, and what is particular about the range.
        kind (str): ``gelu``, ``softmax`` or ``layernorm``.
        range (tuple[float, float]): Of the input.
        rms (float): Root mean squared error of the approximation.
        linf (float): Its largest error.
        integer_linf_steps (float | None): Largest error of the 8-bit integer
            forward against the exact function, in output steps. None where
            the candidate does not run on that range.
    """
    name: str
    kind: str
    range: tuple[float, float]
    rms: float
    linf: float
    integer_linf_steps: float | None


def candidates(kind: str) -> list[type]:
    """Registered classes of a kind, by name."""
    return [cls for _, cls in sorted(APPROXIMATIONS.module_dict.items())
            if cls.kind == kind]


def gelu_curves() -> list[Curve]:
    """Every GELU candidate, published coefficients, on [-3, 3]."""
    return [Curve(one.name, 'gelu', 0., GELU_RANGE, F.gelu, one.ideal)
            for one in _published('gelu')]


def exponential_curves() -> list[Curve]:
    """The exponential of every Softmax candidate on its reduced range; of
    Bit-exp on the papers' usual remainder (-1, 0] too."""
    curves = [_exponential(one.name, one, one.reduced_range)
              for one in _published('softmax')]
    bit_softmax = APPROXIMATIONS.get('bit_softmax')()
    return curves + [
        _exponential('bit_softmax on (-1, 0]', bit_softmax, (-1., 0.))
    ]


def _exponential(name: str, candidate: Candidate,
                 span: tuple[float, float]) -> Curve:
    base = candidate.base
    return Curve(name, 'softmax', base, tuple(span), lambda r: base**r,
                 candidate.exponential)


def function_errors() -> list[FunctionError]:
    """Errors of all registered candidates.

    GELU on [-3, 3]; Softmax of the exponential on its reduced range, and its
    integers on whole rows; LayerNorm on whole rows, PTF fitted to them.
    """
    scale = GELU_RANGE[1] / 127
    codes = torch.arange(-127, 128, dtype=torch.float64)
    gelu = _integer_errors(
        GELULayer(scale, scale), codes * scale, _published('gelu'), 127, scale)
    softmax = _integer_errors(
        SoftmaxLayer(2.**-10), 2 * _normal_rows(SCORES), _published('softmax'),
        255, 2.**-8)
    errors = [_of_curve(curve, gelu.get(curve.name))
              for curve in gelu_curves()]
    errors += [_of_curve(curve, softmax.get(curve.name))
               for curve in exponential_curves()]
    return errors + _layernorm_errors()


def _of_curve(curve: Curve, steps: float | None) -> FunctionError:
    return _summary(curve.name, curve.kind, curve.range, curve.error(), steps)


def _published(kind: str) -> list[Candidate]:
    return [cls() for cls in candidates(kind)]


def _layernorm_errors() -> list[FunctionError]:
    x = _normal_rows(CHANNELS)
    ones, zeros = torch.ones(CHANNELS).double(), torch.zeros(CHANNELS).double()
    reach = x.abs().max().item()
    layer = LayerNormLayer(reach / 32767, reach / 127, 8, ones, zeros, 1e-5)
    fitted = [cls.fit(x) for cls in candidates('layernorm')]
    steps = _integer_errors(layer, x, fitted, 127, layer.out_scale)
    return [
        _summary(
            one.name, 'layernorm', (x.min().item(), x.max().item()),
            one.ideal(x, ones, zeros, layer.eps) - layer.exact(x),
            steps[one.name]) for one in fitted
    ]


def _integer_errors(layer: Layer, x: Tensor, instances: list[Candidate],
                    largest: int, step: float) -> dict[str, float]:
    """Largest error in output steps by candidate; the exact value is taken
    to saturate at the largest output, so many steps."""
    exact = layer.exact(x).clamp(-largest * step, largest * step)
    return {
        one.name: (layer.integer(x, one) - exact).abs().max().item() / step
        for one in instances
    }


def _summary(name: str, kind: str, span: tuple[float, float], error: Tensor,
             steps: float | None) -> FunctionError:
    return FunctionError(name, kind, span,
                         error.square().mean().sqrt().item(),
                         error.abs().max().item(), steps)


def _normal_rows(length: int) -> Tensor:
    """float64 [ROWS, length], multiples of 2^-10."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(
        ROWS, length, generator=generator, dtype=torch.float64)
    return (rows * 2**10).round() / 2**10
