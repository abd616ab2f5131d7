"""Masks of the detections, on integers (He et al., arXiv:1703.06870)."""
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ....nn import IntRequantize
from .features import IntFeatures, of_images
from .scores import Found


class IntMaskStage(nn.Module):
    """A mask head, and sigmoid by a table.

    Args:
        features (IntFeatures): What it reads.
        body (nn.Module): int8 [N, S, S, C] -> logits [N, 2 S, 2 S, classes
            or 1].
    """

    def __init__(self, features: IntFeatures, body: nn.Module):
        super().__init__()
        self.features, self.body = features, body
        self.to_code = IntRequantize(8)
        self.register_buffer('table', torch.zeros(256, dtype=torch.int16))

    def forward(self, pyramid: Sequence[Tensor], boxes: Tensor,
                images: Tensor, labels: Tensor) -> Tensor:
        """int16 [N, 2 S, 2 S], probabilities with 14 fractional bits."""
        logits, = self.body(self.features(pyramid, boxes, images))
        if logits.shape[-1] == 1:
            labels = torch.zeros_like(labels)
        own = logits.permute(0, 3, 1, 2)[torch.arange(
            boxes.shape[0], device=boxes.device), labels]
        return self.table[self.to_code(own).to(torch.int64) + 128]


class IntMasks(nn.Module):
    """Detections -> the probability of each cell of their masks.

    Args:
        stages (Sequence[IntMaskStage]): One, or those of a cascade, of whose
            probabilities the mean is taken.
    """

    def __init__(self, stages: Sequence[IntMaskStage]):
        super().__init__()
        self.stages = nn.ModuleList(stages)

    def forward(self, pyramid: Sequence[Tensor],
                found: Sequence[Found]) -> list[Tensor]:
        """int16 [N_i, 2 S, 2 S] of each image, 14 fractional bits."""
        boxes, images = of_images([one.boxes for one in found])
        labels = torch.cat([one.labels for one in found])
        total = sum(
            stage(pyramid, boxes, images, labels).to(torch.int32)
            for stage in self.stages)
        count = len(self.stages)
        mean = (2 * total + count) // (2 * count)
        return list(mean.to(torch.int16).split([one.boxes.shape[0]
                                                for one in found]))
