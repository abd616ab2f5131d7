"""Other runtimes' int8 networks."""
from pathlib import Path

import torch
from torch import Tensor, nn

from ...benchmark import RUNTIMES
from ...benchmark.runtimes import Run, file_name
from ..comparison import Network


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
