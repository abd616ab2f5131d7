"""I-ViT's Shiftmax."""
from iptq_mm.registry import APPROXIMATIONS

from ..exponential.shift_exp import SHIFT_EXP
from .fractions import FractionSoftmax


@APPROXIMATIONS.register_module(name='shiftmax')
class Shiftmax(FractionSoftmax):
    """Softmax with log2 e ~ 1 + 1/2 - 1/16 and 2^r ~ 1 + r/2 on (-1, 0]
    (I-ViT, arXiv:2207.01405, Shiftmax).

    22 + 2 / N operations; error 2^-(bits + 1) + 2^-21 + 2^-24 N.
    """
    name = 'shiftmax'
    approximation = SHIFT_EXP
