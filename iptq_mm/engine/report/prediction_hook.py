"""Keeps the first predictions of a test run for the pictures."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import Tensor

from ...environment import is_detection
from ...registry import HOOKS


@dataclass(frozen=True)
class Prediction:
    """An image and what a model sees in it.

    Args:
        image (np.ndarray): uint8 [H, W, 3], RGB; of a detector at its
            original size, of a classifier as the model takes it.
        sample (BaseDataElement): ``DetDataSample`` with predictions in pixels
            of the image, or a classifier's, with ``pred_score``.
    """
    image: np.ndarray
    sample: BaseDataElement


@HOOKS.register_module()
class PredictionHook(Hook):
    """Collects what is detected in the first images of a test run, or what
    they are classified as.

    Args:
        num_images (int): How many. Defaults to 8.
    """

    def __init__(self, num_images: int = 8):
        self.num_images = num_images
        self.predictions: list[Prediction] = []

    def before_test(self, runner: Runner) -> None:
        """Forget those of an earlier run."""
        self.predictions = []

    def after_test_iter(self,
                        runner: Runner,
                        batch_idx: int,
                        data_batch: dict | None = None,
                        outputs: Sequence[BaseDataElement] | None = None
                        ) -> None:
        """Keep the images and predictions of one batch."""
        missing = self.num_images - len(self.predictions)
        batch = list(zip(data_batch['inputs'], outputs))
        for pixels, sample in batch[:missing]:
            self.predictions.append(
                Prediction(_image(sample, pixels), sample.detach().cpu()))


def _image(sample: BaseDataElement, pixels: Tensor) -> np.ndarray:
    """The image of a sample; [H, W, 3], RGB, from a loader's [3, H, W]."""
    image = pixels.permute(1, 2, 0).cpu().numpy()
    if not is_detection(sample):
        return np.ascontiguousarray(image)
    # mmdet's loaders give BGR, at the test size.
    height, width = sample.ori_shape
    return cv2.resize(np.ascontiguousarray(image[..., ::-1]), (width, height))
