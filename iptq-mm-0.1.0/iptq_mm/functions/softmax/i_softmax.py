"""I-BERT's Softmax."""
from iptq_mm.registry import APPROXIMATIONS

from ..exponential.i_exp import I_EXP
from .fractions import FractionSoftmax


@APPROXIMATIONS.register_module(name='i_softmax')
class ISoftmax(FractionSoftmax):
    """Softmax with e^r ~ 0.3585 (r + 1.353)^2 + 0.344 on (-ln 2, 0] (I-BERT,
    arXiv:2101.01321, section 3.5, i-Softmax).

    25 + 2 / N operations; error 2^-(bits + 1) + 5.2e-5 + 2^-24 N.
    """
    name = 'i_softmax'
    approximation = I_EXP
