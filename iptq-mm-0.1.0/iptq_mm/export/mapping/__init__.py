"""Torch's functions on integer tensors as nodes of ONNX; one function each.
"""
from . import arithmetic, creation, indexing, layout, product, reduction
from .registry import MAPPINGS, name_of

__all__ = [
    'MAPPINGS', 'arithmetic', 'creation', 'indexing', 'layout', 'name_of',
    'product', 'reduction'
]
