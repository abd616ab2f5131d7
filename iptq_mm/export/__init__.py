"""Integer models as ONNX files of integer operators."""
from .check.agreement import Agreement, compare_file
from .check.checker import FloatInGraphError, check_integer
from .check.size import float_bytes
from .exporter import export_region, to_onnx
from .library import onnxruntime_library
from .region import region_of

__all__ = [
    'Agreement', 'FloatInGraphError', 'check_integer', 'compare_file',
    'export_region', 'float_bytes', 'onnxruntime_library', 'region_of',
    'to_onnx'
]
