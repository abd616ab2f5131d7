"""The arithmetic contract's operators that ONNX has not, as ONNX functions.

Each is stated in ONNX's own text form, holds on the whole range of its types,
and is written into the files that call it.

``BitShift`` knows unsigned integers only, and ``Cast`` between integers of
one width keeps the bits (so ONNX defines it). With u = x + 2^63 in uint64,
u >> n is floor(x / 2^n) + 2^(63 - n); ``shift_right`` takes that back.

``Div`` truncates towards 0 and ``Mod`` has the sign of the divisor, as a
floor has it: where the truncated remainder x - y Div(x, y) is not ``Mod``,
the floor is one less.
"""
from __future__ import annotations

import onnx
import onnx.parser
from onnx import FunctionProto

from .graph import DOMAIN

_TEXT = dict(
    shift_right='''
        (x, n) => (y) {
          sign = Constant<value = uint64 {9223372036854775808}>()
          amount = Cast<to = 13>(n)
          bits = Cast<to = 13>(x)
          offset = BitwiseXor(bits, sign)
          quotient = BitShift<direction = "RIGHT">(offset, amount)
          excess = BitShift<direction = "RIGHT">(sign, amount)
          difference = Sub(quotient, excess)
          y = Cast<to = 7>(difference)
        }''',
    shift_left='''
        (x, n) => (y) {
          amount = Cast<to = 13>(n)
          bits = Cast<to = 13>(x)
          shifted = BitShift<direction = "LEFT">(bits, amount)
          y = Cast<to = 7>(shifted)
        }''',
    floor_divide='''
        (x, y) => (z) {
          truncated = Div(x, y)
          product = Mul(truncated, y)
          remainder = Sub(x, product)
          modulo = Mod(x, y)
          exact = Equal(remainder, modulo)
          above = Not(exact)
          one = Cast<to = 7>(above)
          z = Sub(truncated, one)
        }''',
    offset_binary='''
        (x) => (y) {
          sign = Constant<value = uint8 {128}>()
          bits = Cast<to = 2>(x)
          y = BitwiseXor(bits, sign)
        }''')
"""``shift_right(x, n)`` is x >> n, ``shift_left`` x << n: int64, n in
[0, 63]. ``floor_divide`` is floor(x / y): int64, y not 0 and not -1 where x
is -2^63. ``offset_binary`` is x + 128 of int8, in uint8."""


def primitive(name: str, opset: int) -> FunctionProto | None:
    """One of the functions, or None if there is none of that name.

    Args:
        name (str): A key of the table.
        opset (int): Version of ONNX's operators.
    """
    if name not in _TEXT:
        return None
    return onnx.parser.parse_function(
        f'<domain: "{DOMAIN}", opset_import: ["": {opset}]>\n'
        f'{name} {_TEXT[name].strip()}')
