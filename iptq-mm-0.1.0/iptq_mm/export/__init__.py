"""Integer models as ONNX files of integer operators."""
from .check.agreement import Agreement, compare_files
from .check.checker import FloatInGraphError, check_integer
from .check.size import float_bytes
from .exporter import export_region, to_onnx
from .library import onnxruntime_library
from .region import Region, regions_of

__all__ = [
    'Agreement', 'FloatInGraphError', 'Region', 'check_integer',
    'compare_files', 'export_region', 'float_bytes', 'onnxruntime_library',
    'regions_of', 'to_onnx'
]
