"""Calibration images as a backbone takes them."""
from collections.abc import Iterator

from mmengine.model import BaseModel
from torch import Tensor
from torch.utils.data import DataLoader


class CalibrationImages:
    """The batches of a dataloader after the model's own preprocessing.

    Iterating again gives the same batches again, as long as the sampler's
    order depends on its seed alone (mmengine's ``DefaultSampler``).

    Args:
        dataloader (DataLoader): Yields what ``model.test_step`` takes.
        model (BaseModel): Its ``data_preprocessor`` normalizes, pads and
            moves to the device.
    """

    def __init__(self, dataloader: DataLoader, model: BaseModel):
        self.dataloader, self.model = dataloader, model

    def __len__(self) -> int:
        return len(self.dataloader)

    def __iter__(self) -> Iterator[Tensor]:
        """Yields float32 [B, C, H, W]."""
        for data in self.dataloader:
            yield self.model.data_preprocessor(data, False)['inputs']
