"""From pixels to a pyramid, on integers."""
from torch import Tensor, nn

from ....nn import IntRequantize


class IntTrunk(nn.Module):
    """Backbone and neck.

    Args:
        backbone (nn.Module): int8 image [B, C, H, W] -> integers
            [B, H_i, W_i, C_i] of each output.
        neck (nn.Module): int8 of some of those -> integers
            [B, H_l, W_l, C] of each level, the pyramid.
        first (int): Output of the backbone from which on the neck reads.
        levels (int): How many it reads.
        bits (int): Width of what the neck reads.
    """

    def __init__(self, backbone: nn.Module, neck: nn.Module, first: int,
                 levels: int, bits: int):
        super().__init__()
        self.backbone, self.neck, self.first = backbone, neck, first
        self.narrow = nn.ModuleList(
            IntRequantize(bits) for _ in range(levels))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """int8 [B, C, H, W] -> the pyramid."""
        outputs = self.backbone(image)[self.first:]
        return self.neck(*(
            narrow(x) for narrow, x in zip(self.narrow, outputs)))
