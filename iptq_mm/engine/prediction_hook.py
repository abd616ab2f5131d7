"""Keeps the first predictions of a test run for the pictures."""
from collections.abc import Sequence
from dataclasses import dataclass

import mmcv
import numpy as np
from mmdet.structures import DetDataSample
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..registry import HOOKS


@dataclass(frozen=True)
class Prediction:
    """An image and what a model sees in it.

    Args:
        image (np.ndarray): uint8 [H, W, 3], RGB, at its original size.
        sample (DetDataSample): Predictions in pixels of the original size.
    """
    image: np.ndarray
    sample: DetDataSample


@HOOKS.register_module()
class PredictionHook(Hook):
    """Collects the detections in the first images of a test run; there are
    none in a run that detects nothing.

    Args:
        num_images (int): How many. Defaults to 4.
    """

    def __init__(self, num_images: int = 4):
        self.num_images = num_images
        self.predictions: list[Prediction] = []

    def before_test(self, runner: Runner) -> None:
        """Forget those of an earlier run."""
        self.predictions = []

    def after_test_iter(self,
                        runner: Runner,
                        batch_idx: int,
                        data_batch: dict | None = None,
                        outputs: Sequence[DetDataSample] | None = None
                        ) -> None:
        """Keep the images and predictions of one batch."""
        if not isinstance(outputs[0], DetDataSample):
            return
        missing = self.num_images - len(self.predictions)
        batch = list(zip(data_batch['inputs'], outputs))
        for pixels, sample in batch[:missing]:
            # The loader's tensors are [C, H, W], BGR, at the test size.
            image = np.ascontiguousarray(pixels.permute(1, 2, 0).numpy()[
                ..., ::-1])
            height, width = sample.ori_shape
            self.predictions.append(
                Prediction(
                    mmcv.imresize(image, (width, height)),
                    sample.detach().cpu()))
