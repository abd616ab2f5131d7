"""The fixed point that the candidates compute in: 24 fractional bits.

Values up to 2^6 then still fit int32, so that a native kernel multiplies
32-bit integers.
"""

FRACTION_BITS = 24
ONE = 1 << FRACTION_BITS


def to_fixed(value: float) -> int:
    """Nearest multiple of 2^-24, as an integer; lowering time only."""
    return round(value * ONE)
