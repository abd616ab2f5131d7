"""Calibration images as a backbone takes them."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mmengine.model import BaseDataPreprocessor
from torch import Tensor
from torch.utils.data import DataLoader


class CalibrationImages:
    """The batches of a dataloader after the model's own preprocessing.

    Iterating again gives the same batches again, as long as the sampler's
    order depends on its seed alone (mmengine's ``DefaultSampler``).

    Args:
        dataloader (DataLoader | Sequence): Yields what ``model.test_step``
            takes.
        preprocessor (BaseDataPreprocessor): Of the model: normalizes, pads
            and moves to the device.
    """

    def __init__(self, dataloader: DataLoader | Sequence[Mapping],
                 preprocessor: BaseDataPreprocessor):
        self.dataloader, self.preprocessor = dataloader, preprocessor

    def __len__(self) -> int:
        return len(self.dataloader)

    def __iter__(self) -> Iterator[Tensor]:
        """Yields float32 [B, C, H, W], or uint8 where the model takes
        pixels."""
        for data in self.dataloader:
            yield self.preprocessor(data, False)['inputs']
