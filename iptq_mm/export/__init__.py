"""Integer models as ONNX files of integer operators."""
from .agreement import Agreement, compare_files
from .checker import FloatInGraphError, check_integer
from .exporter import export_region, to_onnx
from .region import Region, regions_of
from .size import float_bytes

__all__ = [
    'Agreement', 'FloatInGraphError', 'Region', 'check_integer',
    'compare_files', 'export_region', 'float_bytes', 'regions_of', 'to_onnx'
]
