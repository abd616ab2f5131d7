"""IPTQ-ViT's Bit-Softmax: Efficient Bit-exp and a scaled reciprocal."""
from iptq_mm.registry import APPROXIMATIONS

from ..exponential.bit_exp import BIT_EXP
from .fractions import FractionSoftmax


@APPROXIMATIONS.register_module(name='bit_softmax')
class BitSoftmax(FractionSoftmax):
    """Softmax with 2^r ~ 1 + (r >> 1) + (r >> 3) + (r >> 4) (IPTQ-ViT,
    arXiv:2511.15369, Efficient Bit-exp), divided by a scaled reciprocal
    2^M / sum.

    The remainder r is centred, on [-1/2, 1/2): the approximation is the
    tangent at 0, off by at most 0.07 there and by 0.19 on (-1, 0].

    23 + 2 / N operations; error 2^-(bits + 1) + 0.0123 + 2^-24 N. The 0.0123
    is there because the approximation jumps by 2.4 % where a score's exponent
    passes a half integer; rows without a score within 2^-23 of one stay below
    2^-(bits + 1) + 2^-20 + 2^-24 N.
    """
    name = 'bit_softmax'
    approximation = BIT_EXP
