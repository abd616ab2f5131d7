"""A convolutional network that small classifiers are distilled from."""
from torch import Tensor, nn

from ...registry import MODELS


def _conv(in_channels: int, out_channels: int, *pool: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), *pool,
        nn.BatchNorm2d(out_channels), nn.GELU())


class _Residual(nn.Module):

    def __init__(self, channels: int):
        super().__init__()
        self.convs = nn.Sequential(
            _conv(channels, channels), _conv(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.convs(x)


@MODELS.register_module()
class ResNet9(nn.Sequential):
    """Four 3 x 3 convolutions, two residual blocks of two, for small images.

    The network of the entries to the CIFAR-10 speed competitions: on a CPU
    it learns in minutes what a transformer of its size needs an hour for. It
    has no integer form; it only teaches.

    float32 [B, 3, H, W], normalized, H and W at least 8, to logits
    [B, num_classes].

    Args:
        width (int): Channels of the first convolution.
        num_classes (int): Number of classes.
    """

    def __init__(self, width: int, num_classes: int):
        super().__init__(
            _conv(3, width),
            _conv(width, 2 * width, nn.MaxPool2d(2)),
            _Residual(2 * width),
            _conv(2 * width, 4 * width, nn.MaxPool2d(2)),
            _conv(4 * width, 8 * width, nn.MaxPool2d(2)),
            _Residual(8 * width),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
            nn.Linear(8 * width, num_classes))
