"""Softmax by a table of 2^r."""
from iptq_mm.registry import APPROXIMATIONS

from ..exponential.table_exp import TABLE_EXP
from .fractions import FractionSoftmax


@APPROXIMATIONS.register_module(name='table_softmax')
class TableSoftmax(FractionSoftmax):
    """Softmax with 2^r from 65 entries and the chords between them.

    As good as 8 bits allow: within half an output step of Softmax itself,
    but for 8e-6 of the chords and 2^-24 a score of the row.

    26 + 2 / N operations; error 2^-(bits + 1) + 2^-21 + 2^-24 N.
    """
    name = 'table_softmax'
    approximation = TABLE_EXP
