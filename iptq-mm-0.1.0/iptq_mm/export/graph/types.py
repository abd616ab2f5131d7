"""Integer types, as torch and as ONNX call them."""
import torch
from onnx import TensorProto

ELEMENT_TYPES = {
    torch.bool: TensorProto.BOOL,
    torch.uint8: TensorProto.UINT8,
    torch.int8: TensorProto.INT8,
    torch.int16: TensorProto.INT16,
    torch.int32: TensorProto.INT32,
    torch.int64: TensorProto.INT64,
}
"""There is no other type in an integer model."""

COMPUTED = (torch.int32, torch.int64)
"""What ONNX Runtime has every arithmetic kernel for."""


def element_type(dtype: torch.dtype) -> int:
    """``TensorProto.DataType`` of an integer type or bool.

    Raises:
        TypeError: For any other type.
    """
    if dtype not in ELEMENT_TYPES:
        raise TypeError(f'{dtype} has no place in an integer graph')
    return ELEMENT_TYPES[dtype]


def computed(dtype: torch.dtype) -> torch.dtype:
    """The type in which arithmetic of a type is done: its own, or int32 for
    a narrower one, which holds every value of it."""
    return dtype if dtype in COMPUTED else torch.int32


def holds(wide: torch.dtype, narrow: torch.dtype) -> bool:
    """Whether every value of one integer type is a value of another."""
    if narrow == torch.bool:
        return True
    if wide == torch.bool:
        return False
    outer, inner = torch.iinfo(wide), torch.iinfo(narrow)
    return outer.min <= inner.min and inner.max <= outer.max
