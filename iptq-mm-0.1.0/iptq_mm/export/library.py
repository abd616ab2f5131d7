"""The kernels for ONNX Runtime."""
from pathlib import Path

from ..engine.errors import UserError
from ..ops import native


def onnxruntime_library() -> Path:
    """What ``SessionOptions.register_custom_ops_library`` takes: with it,
    exported files run by the kernels of this project, and give the same
    integers as without it.

    Returns:
        Path: Absolute.

    Raises:
        UserError: If it was not built.
    """
    if not native.available():
        raise UserError('iptq_mm was installed without its native kernels: '
                        'install it again where there is a C++ compiler.')
    if not has_onnxruntime_library():
        raise UserError('the kernels of iptq_mm were built without ONNX '
                        "Runtime's headers: install iptq_mm again with "
                        'ONNXRUNTIME_INCLUDE set to the folder of '
                        'onnxruntime_c_api.h, of release 1.17 or newer.')
    return native.library()


def has_onnxruntime_library() -> bool:
    """Whether there is one."""
    return native.available() and native.serves_onnxruntime()
