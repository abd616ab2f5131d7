"""Integer candidates of GELU, Softmax and LayerNorm.

Importing this package registers them all in ``registry.APPROXIMATIONS``.
"""
from .gelu import IGELU, PolyGELU, ShiftGELU, TableGELU
from .layernorm import ILayerNorm, PTFLayerNorm
from .softmax import (
                      BitSoftmax,
                      ISoftmax,
                      LogIntSoftmax,
                      Shiftmax,
                      TableSoftmax,
)

__all__ = [
    'BitSoftmax', 'IGELU', 'ILayerNorm', 'ISoftmax', 'LogIntSoftmax',
    'PTFLayerNorm', 'PolyGELU', 'ShiftGELU', 'Shiftmax', 'TableGELU',
    'TableSoftmax'
]
