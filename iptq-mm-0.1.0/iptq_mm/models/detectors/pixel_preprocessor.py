"""Data preprocessor of detectors that take the pixels themselves."""
from collections.abc import Sequence

import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmengine.model import stack_batch
from torch import Tensor

from ...registry import MODELS


@MODELS.register_module()
class PixelDataPreprocessor(DetDataPreprocessor):
    """Collates images without a single float: no normalization, no change of
    the channels' order; both are in the weights of the patch embedding.

    For testing only.

    Args:
        pad_pixel (Sequence[int]): What images are padded with to the size of
            their batch, for each channel in the order of the image, 0 to 255.
        **kwargs: As mmdet's ``DetDataPreprocessor``: ``pad_size_divisor``,
            ``boxtype2tensor``, ``non_blocking``.
    """

    def __init__(self, pad_pixel: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        self.pad_pixel = tuple(pad_pixel)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Move, pad and stack.

        Args:
            data (dict): ``inputs``, uint8 [C, H, W] each, and
                ``data_samples``.
            training (bool): Without effect.

        Returns:
            dict: ``inputs``, uint8 [B, C, H', W'], and ``data_samples`` that
            know their padded shapes.

        Raises:
            TypeError: If the images are not uint8.
        """
        shapes = self._get_pad_shape(data)
        data = self.cast_data(data)
        inputs = self._stack(data['inputs'])
        samples = data.get('data_samples')
        for sample, shape in zip(samples or [], shapes):
            sample.set_metainfo(
                dict(batch_input_shape=tuple(inputs.shape[-2:]),
                     pad_shape=shape))
        return dict(inputs=inputs, data_samples=samples)

    def _stack(self, images: Sequence[Tensor]) -> Tensor:
        kinds = {image.dtype for image in images}
        if kinds != {torch.uint8}:
            raise TypeError(f'images of {kinds.pop()}: leave them uint8, '
                            f'without Normalize in the pipeline')
        # The padding is 0 around it.
        pad = torch.tensor(self.pad_pixel, dtype=torch.int16,
                           device=images[0].device).view(-1, 1, 1)
        stacked = stack_batch([image - pad for image in images],
                              self.pad_size_divisor)
        return (stacked + pad).to(torch.uint8)
