"""Exponentials of non-positive numbers, each in two forms: the integer one
on 24 fractional bits, and the float one of the same approximation.

All take x <= 0 down to the depth that ``softmax.row`` clamps at, and split it
as x = -z + r (in units of log 2): z becomes a truncating shift, as every
paper here has it, and r goes through the approximation. ``RELATIVE_ERROR``
bounds |integer / float - 1| before that shift.
"""
