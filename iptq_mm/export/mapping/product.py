"""Matrix products.

ONNX Runtime multiplies int8 by a loop, and uint8 with int8 on processors
without VNNI by an instruction that saturates; uint8 with uint8 it multiplies
fast and exactly everywhere. So int8 goes in as ``x + 128`` with the zero
point 128, which is the same product.
"""
import torch
from torch import Tensor

from ..graph.graph import Value
from ..graph.scope import Scope
from .registry import maps


def _unsigned(scope: Scope, value: Value) -> tuple[str, str]:
    """An 8-bit tensor as uint8, and its zero point."""
    if value.stored == torch.uint8:
        return value.name, scope.graph.constant(0, torch.uint8)
    return (scope.graph.function('offset_binary', value.name),
            scope.graph.constant(128, torch.uint8))


@maps('iptq.matmul')
def matmul(scope: Scope, result: Tensor, x: Tensor, y: Tensor) -> Value:
    factors = [scope.value(factor) for factor in (x, y)]
    if not (result.dtype == torch.int32 and
            all(f.stored in (torch.int8, torch.uint8) for f in factors)):
        return wide_matmul(scope, result, x, y)
    (a, a_zero), (b, b_zero) = (_unsigned(scope, f) for f in factors)
    name = scope.graph.emit('MatMulInteger', a, b, a_zero, b_zero)
    return Value(name, result.dtype, result.dtype, result.dim())


@maps('matmul')
def wide_matmul(scope: Scope, result: Tensor, x: Tensor, y: Tensor) -> Value:
    """In the type of the result, as torch has it on a CPU."""
    names = [scope.operand(factor, result.dtype) for factor in (x, y)]
    return Value(scope.graph.emit('MatMul', *names), result.dtype,
                 result.dtype, result.dim())
