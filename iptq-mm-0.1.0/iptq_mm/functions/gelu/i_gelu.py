"""I-BERT's GELU: a clipped parabola stands for erf."""
from torch import Tensor

from iptq_mm.registry import APPROXIMATIONS

from . import erf_polynomial


@APPROXIMATIONS.register_module(name='i_gelu')
class IGELU:
    """GELU with a second-order erf (I-BERT, arXiv:2101.01321, i-GELU).

        L(u) = sgn(u) [a (min(|u|, -b) + b)^2 + 1]

    Differs from GELU by at most 0.018.

    Args:
        a (float): In (-1, 0). Defaults to -0.2888.
        b (float): In [-4, -1]. Defaults to -1.769.
    """
    kind = 'gelu'
    name = 'i_gelu'
    extra_bits = 0
    fitted = False

    def __init__(self, a: float = -0.2888, b: float = -1.769):
        erf_polynomial.check(a, b, power=2)
        self.a, self.b = a, b

    @classmethod
    def fit(cls, samples: Tensor) -> 'IGELU':
        """The published coefficients: nothing here depends on data."""
        return cls()

    def ideal(self, x: Tensor) -> Tensor:
        """The approximation in floating point, elementwise."""
        return erf_polynomial.ideal(x, self.a, self.b, power=2)

    def operations(self, row_length: int) -> float:
        """19: |q| 1, to |u| 3, clip 2, square 3, a 3, 1 + L 3, q 1,
        requantize 3."""
        return 19.

    def error_bound(self, in_scale: float, out_scale: float) -> float:
        """out_scale / 2 + 2^-19 min(127 in_scale, 2.51) + 2^-24 in_scale,
        as ``erf_polynomial`` derives."""
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
        return erf_polynomial.gelu_of_power(
            x, erf_polynomial.square(t), params)
