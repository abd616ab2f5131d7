"""Candidates of GELU."""
from .i_gelu import IGELU
from .poly_gelu import PolyGELU
from .shift_gelu import ShiftGELU
from .table_gelu import TableGELU

__all__ = ['IGELU', 'PolyGELU', 'ShiftGELU', 'TableGELU']
