"""GELU by a table of all its inputs."""
import torch
from torch import Tensor
from torch.nn import functional as F

from iptq_mm.registry import APPROXIMATIONS

from ..scales import check_scales

_EXTRA_BITS = 2
_HALF = 128 << _EXTRA_BITS


@APPROXIMATIONS.register_module(name='table_gelu')
class TableGELU:
    """GELU itself, rounded to the output scale: 1024 entries.

    Nothing but memory is spent on a wider input here, so it has 10 bits: its
    rounding, which the slope of GELU passes on to the output, all but
    disappears.
    """
    kind = 'gelu'
    name = 'table_gelu'
    extra_bits = _EXTRA_BITS
    fitted = False

    @classmethod
    def fit(cls, samples: Tensor) -> 'TableGELU':
        """Nothing here depends on data."""
        return cls()

    def ideal(self, x: Tensor) -> Tensor:
        """GELU."""
        return F.gelu(x)

    def operations(self, row_length: int) -> float:
        """2: index 1, look-up 1."""
        return 2.

    def error_bound(self, in_scale: float, out_scale: float) -> float:
        """out_scale / 2, and 2^-45 in_scale of the float64 the entries are
        computed in."""
        return out_scale / 2 + in_scale * 2**-45

    def lower(self, in_scale: float, out_scale: float) -> Tensor:
        """int64 [1024]: the output of q at index q + 512.

        Raises:
            ValueError: If a scale is not positive and finite, or an entry
                would not fit 31 bits.
        """
        check_scales(in_scale, out_scale)
        if in_scale / out_scale * _HALF >= 2**31:
            raise ValueError(f'the scales {in_scale:g} and {out_scale:g} are '
                             f'too far apart')
        x = torch.arange(-_HALF, _HALF, dtype=torch.float64) * in_scale
        return (F.gelu(x) / out_scale + 0.5).floor().long()

    @staticmethod
    def params_shape(channels: int) -> tuple[int, ...]:
        """[1024]."""
        return (2 * _HALF, )

    @staticmethod
    def integer(x: Tensor, params: Tensor) -> Tensor:
        """int16 of any shape, [-512, 512) -> int64 at the output scale."""
        return params[x.to(torch.int64) + _HALF]
