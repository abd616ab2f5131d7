"""What others make of a network, by name."""
from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn

from ...benchmark import RUNTIMES
from ..comparison import Network
from .repq import repq
from .runtimes import openvino_int8, ort_int8


def repq_at(bits: int) -> Callable[[nn.Module, Tensor, Path], Network]:
    """RepQ-ViT's scheme at a width of weights and activations."""
    return lambda network, images, folder: repq(network, images, bits)


QUANTIZERS: dict[str, Callable[[nn.Module, Tensor, Path], Network]] = {
    'ort-int8': ort_int8,
    'openvino-int8': openvino_int8,
    'repq-w8a8': repq_at(8),
    'repq-w6a6': repq_at(6),
    'repq-w4a4': repq_at(4)
}
"""(float network, images float32 [N, 3, H, W] to calibrate on, folder for
files) -> quantized network; of a runtime by its name in ``iptq_mm.benchmark``.
"""

PEERS = {
    'ort-int8': 'ONNX Runtime, static int8',
    'openvino-int8': 'NNCF with OpenVINO, int8',
    'repq-w8a8': "RepQ-ViT's scheme simulated by us, W8A8",
    'repq-w6a6': "RepQ-ViT's scheme simulated by us, W6A6",
    'repq-w4a4': "RepQ-ViT's scheme simulated by us, W4A4"
}
"""What they are."""


def check_peer(name: str) -> None:
    """
    Args:
        name (str): Key of ``PEERS``.

    Raises:
        UserError: If a package that it needs is not installed.
    """
    if name in RUNTIMES:
        RUNTIMES[name].check()
