"""A float model, its test images, and how to calibrate it."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from mmengine.runner import Runner
from torch import Tensor

from ..engine.errors import UserError
from ..engine.inputs.config import ptq_hook_config
from ..engine.inputs.options import PTQOptions, resolve
from ..engine.inputs.runner import build_runner
from ..engine.quantization.images import CalibrationImages
from ..engine.quantization.ptq_hook import PTQHook
from ..models import TimmClassifier
from ..registry import HOOKS


@dataclass(frozen=True)
class Setting:
    """What a config says.

    Args:
        options (PTQOptions): The config, and what is changed in it.
        runner (Runner): With the float model, in evaluation mode; it says
            nothing while it tests.
    """
    options: PTQOptions
    runner: Runner

    @classmethod
    def of(cls, options: PTQOptions) -> 'Setting':
        """Build the float model and find the test images.

        Raises:
            UserError: For input that cannot be worked with.
        """
        runner = build_runner(
            resolve(options), options.device, options.trust_checkpoint)
        runner.logger.setLevel('ERROR')
        runner.model.eval()
        try:
            _ = runner.test_dataloader  # built at the first look
        except ValueError as error:  # fewer images than were asked for
            raise UserError(str(error)) from error
        return cls(options, runner)

    def check_classifier(self) -> None:
        """Refuse a detector.

        Raises:
            UserError: Naming what it is.
        """
        if not isinstance(self.runner.model, TimmClassifier):
            raise UserError(
                f'{self.options.config} is no classifier, but a '
                f'{type(self.runner.model).__name__}: what there is for '
                f'detectors is the experiment `functions`.')

    def hook(self, num_calib: int | None = None,
             weight: int | None = None) -> PTQHook:
        """As the config has it.

        Args:
            num_calib (int, optional): Calibration images, instead of the
                config's.
            weight (int, optional): Width of the weights, likewise.
        """
        options = self.options
        if num_calib is not None:
            options = replace(options, num_calib=num_calib)
        hook = HOOKS.build(ptq_hook_config(resolve(options)))
        if weight is not None:
            hook.bits = {**hook.bits, 'weight': weight}
        return hook

    def with_seed(self, seed: int) -> 'Setting':
        """The same model and test images, calibrated on the images that
        this seed picks."""
        return replace(self, options=replace(self.options, seed=seed))

    def images(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Of a classifier: test images float32 [B, 3, H, W] as the network
        takes them, and labels int64 [B]."""
        for data in self.runner.test_dataloader:
            data = self.runner.model.data_preprocessor(data, False)
            yield data['inputs'], torch.tensor(
                [sample.gt_label for sample in data['data_samples']])

    def calibration_images(self, hook: PTQHook) -> CalibrationImages:
        """The images that a hook calibrates on, and maybe more."""
        return CalibrationImages(
            self.runner.build_dataloader(hook.calib_dataloader, hook.seed),
            self.runner.model.data_preprocessor)

    def describe(self, hook: PTQHook) -> dict:
        """What figures are of, for JSON."""
        return dict(
            config=self.options.config,
            checkpoint=self.options.checkpoint,
            cfg_options=dict(self.options.cfg_options),
            images=len(self.runner.test_dataloader.dataset),
            calibration_batches=hook.num_batches,
            seed=hook.seed)


METRICS = ('_mAP', 'top1')
"""How the metrics end that are taken, a detector's and a classifier's."""


def headline(metrics: Mapping[str, float]) -> dict[str, float]:
    """bbox and segm mAP, or top-1, of what ``Runner.test`` gives."""
    return {
        key.rpartition('/')[2]: value
        for key, value in metrics.items() if key.endswith(METRICS)
    }
