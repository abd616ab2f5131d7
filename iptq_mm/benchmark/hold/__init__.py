"""Holding a runtime to older instructions than this CPU has."""
from .onnxruntime import hold_onnxruntime_to_avx2

__all__ = ['hold_onnxruntime_to_avx2']
