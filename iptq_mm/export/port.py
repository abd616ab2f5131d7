"""The inputs and outputs of a file."""
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..nn import Pixels


@dataclass(frozen=True)
class Port:
    """An input or output of an integer part.

    Args:
        name (str): In the file.
        scale (float): Real value of one step.
        layout (str): Its axes: N batch, C channels, H and W height and width
            (Y and X of the original image), D detections, and numbers for
            fixed lengths.
        optional (bool): Whether an input may be left out, and is 0 then.
            Defaults to False.
    """
    name: str
    scale: float
    layout: str
    optional: bool = False


def noise(port: Port, channels: int, size: tuple[int, int]) -> Tensor:
    """A seeded image [1, C, H, W], as an input takes it."""
    dtype = torch.uint8 if port.name == 'pixels' else torch.int8
    info = torch.iinfo(dtype)
    return torch.randint(
        info.min + 1, info.max + 1, (1, channels, *size), dtype=dtype,
        generator=torch.Generator().manual_seed(0))


def image_port(quantize: nn.Module) -> Port:
    """What an image enters by: pixels, or integers at a scale."""
    if isinstance(quantize, Pixels):
        return Port('pixels', 1., 'NCHW')
    return Port('image', quantize.scale.item(), 'NCHW')
