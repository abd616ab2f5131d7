"""GELU by a table of all its 256 inputs."""
import torch
from torch import Tensor
from torch.nn import functional as F

from iptq_mm.registry import APPROXIMATIONS

from ..scales import check_scales


@APPROXIMATIONS.register_module(name='table_gelu')
class TableGELU:
    """GELU itself, rounded to the output scale: 256 entries."""
    kind = 'gelu'
    name = 'table_gelu'
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
        """int64 [256]: the output of q at index q + 128.

        Raises:
            ValueError: If a scale is not positive and finite, or an entry
                would not fit 31 bits.
        """
        check_scales(in_scale, out_scale)
        if in_scale / out_scale * 128 >= 2**31:
            raise ValueError(f'the scales {in_scale:g} and {out_scale:g} are '
                             f'too far apart')
        x = torch.arange(-128, 128, dtype=torch.float64) * in_scale
        return (F.gelu(x) / out_scale + 0.5).floor().long()

    @staticmethod
    def params_shape(channels: int) -> tuple[int, ...]:
        """[256]."""
        return (256, )

    @staticmethod
    def integer(x: Tensor, params: Tensor) -> Tensor:
        """int8 of any shape -> int64 at the output scale."""
        return params[x.to(torch.int64) + 128]
