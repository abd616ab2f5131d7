"""Data preprocessor of classifiers that take the pixels themselves."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from ...registry import MODELS


@MODELS.register_module()
class ImgPixelDataPreprocessor(BaseDataPreprocessor):
    """Stacks images without a single float: the normalization is in the
    weights of the patch embedding.

    Args:
        non_blocking (bool): As mmengine's ``BaseDataPreprocessor``.
    """

    def forward(self, data: Mapping[str, Any],
                training: bool = False) -> dict[str, Any]:
        """Move and stack.

        Args:
            data (Mapping): ``inputs``, uint8 [C, H, W] each, of one size, or
                stacked already, and maybe ``data_samples``.
            training (bool): Without effect.

        Returns:
            dict: ``inputs``, uint8 [B, C, H, W], and ``data_samples``.

        Raises:
            TypeError: If the images are not uint8.
        """
        data = self.cast_data(data)
        images: Tensor | Sequence[Tensor] = data['inputs']
        inputs = images if isinstance(images, Tensor) else torch.stack(
            [*images])
        if inputs.dtype != torch.uint8:
            raise TypeError(f'images of {inputs.dtype}: leave them uint8, '
                            f'without a normalization in the dataset')
        return dict(inputs=inputs, data_samples=data.get('data_samples'))
