"""Networks by others, which keep non-linear functions in float."""
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from ..benchmark import RUNTIMES
from ..benchmark.runtimes import Run, file_name
from .comparison import Network
from .repq import repq


def ort_int8(network: nn.Module, images: Tensor, folder: Path) -> Network:
    """ONNX Runtime's static quantization, ranges from all images at once."""
    path = folder / file_name('ort-int8')
    RUNTIMES['ort-int8'].save(network, images, path)
    return in_batches(
        RUNTIMES['ort-int8'].load(path, torch.get_num_threads()), len(images))


def openvino_int8(network: nn.Module, images: Tensor,
                  folder: Path) -> Network:
    """NNCF's, which wants to see one image after the other."""
    import nncf
    import openvino
    source = folder / file_name('openvino')
    path = folder / file_name('openvino-int8')
    RUNTIMES['openvino'].save(network, images[:1], source)
    openvino.save_model(
        nncf.quantize(
            openvino.Core().read_model(source),
            nncf.Dataset([image.numpy() for image in images.split(1)]),
            subset_size=len(images),
            model_type=nncf.ModelType.TRANSFORMER), path)
    return in_batches(
        RUNTIMES['openvino-int8'].load(path, torch.get_num_threads()), 1)


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


def in_batches(run: Run, size: int) -> Network:
    """A network for any batch out of one for batches of one size.

    Args:
        run (Run): Images [size, 3, H, W] to a sequence of outputs, numpy,
            the first of which are the logits.
        size (int): At least 1.
    """

    def logits(batch: Tensor) -> Tensor:
        parts = []
        for part in batch.split(size):
            missing = part[:1].expand(size - len(part), -1, -1, -1)
            answer = torch.from_numpy(run(torch.cat([part, missing]))[0])
            parts.append(answer[:len(part)])
        return torch.cat(parts)

    return logits
