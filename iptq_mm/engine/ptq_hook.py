"""Post-training quantization as a hook of a test run."""
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from rich.progress import Progress
from torch import nn

from ..assignment import AssignmentPolicy, read_assignment
from ..models.swin_backbone import DEFAULT_BITS, DEFAULT_FUNCTIONS
from ..registry import HOOKS
from .calibrate import Calibration
from .checkpoint import check_finite, load_weights, weights_of
from .errors import UserError
from .images import CalibrationImages
from .preflight import check_backbone
from .quantize import Quantization, quantize_backbone
from .select import Selection


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside mmengine's wrapper for parallel processes."""
    return model.module if is_model_wrapper(model) else model


@HOOKS.register_module()
class PTQHook(Hook):
    """Makes the backbone integer-only before the first test run.

    It shows calibration images to the stock float backbone (nothing else of
    the detector runs), lowers the backbone to integers and puts that in the
    place of the float one. A float checkpoint that does not fit the model is
    refused rather than loaded in part.

    Args:
        calib_dataloader (dict): Config of the calibration dataloader, as
            ``test_dataloader``.
        num_batches (int): Batches of it to calibrate on. Defaults to 32.
        observer (dict): Observer of the sites narrower than 16 bits.
            Defaults to ``dict(type='mse')``.
        candidates (dict[str, list[str]], optional): Candidates that are
            scored, by kind (``gelu``, ``softmax``, ``layernorm``). Defaults
            to all.
        assignment (dict[str, str] | str, optional): What is assigned whatever
            the scores: a candidate by kind or by layer, or the path of an
            ``assignment.json`` of an earlier run. With ``{}`` the Unified
            Metric chooses everywhere. Defaults to ``poly_gelu``,
            ``bit_softmax`` and ``i_layernorm``.
        normalization (str): How the Unified Metric brings Q, P and C to one
            range, a name in ``iptq_mm.assignment.NORMALIZATIONS``. Defaults
            to ``'minmax'``.
        fit (str): Whose data the data-aware candidates are fitted to, a name
            in ``iptq_mm.assignment.FITS``. Defaults to ``'layer'``.
        bits (dict[str, int], optional): Widths of ``weight`` (8),
            ``activation`` (8), ``attention`` maps (8), ``residual`` (16) and
            ``output`` (16).
        seed (int): Which images a shuffling calibration sampler picks, and
            which rows of activations are looked at. Independent of the
            runner's own seed, so that every run of a config gives the same
            integers. Defaults to 0.

    Attributes:
        quantization (Quantization | None): Result, once there is one.
        images (CalibrationImages | None): What it was calibrated on, likewise.
    """

    def __init__(self,
                 calib_dataloader: dict,
                 num_batches: int = 32,
                 observer: Mapping[str, Any] = dict(type='mse'),
                 candidates: Mapping[str, Sequence[str]] | None = None,
                 assignment: Mapping[str, str] | str = DEFAULT_FUNCTIONS,
                 normalization: str = 'minmax',
                 fit: str = 'layer',
                 bits: Mapping[str, int] | None = None,
                 seed: int = 0):
        self.calib_dataloader = calib_dataloader
        self.num_batches = num_batches
        self.observer = dict(observer)
        self.candidates = dict(candidates or {})
        self.assignment = assignment
        self.normalization = normalization
        self.fit = fit
        self.bits = {**DEFAULT_BITS, **(bits or {})}
        self.seed = seed
        self.quantization: Quantization | None = None
        self.images: CalibrationImages | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse a checkpoint that does not fit; mmengine only warns.

        Raises:
            UserError: Naming keys that do not fit, or a tensor with NaN or
                Inf.
        """
        load_weights(
            unwrapped(runner.model), weights_of(checkpoint), 'the checkpoint')

    def before_test(self, runner: Runner) -> None:
        """Quantize, the first time, and test the integer model."""
        if self.quantization is None:
            self.quantize(runner)
        self.install(runner)

    @torch.no_grad()
    def quantize(self, runner: Runner) -> Quantization:
        """Quantize the backbone of the runner's model, which stays float.

        Raises:
            UserError: If the backbone is no Swin, holds NaN or Inf, or the
                calibration set is too small or unusable.
        """
        model = unwrapped(runner.model)
        check_backbone(model)
        model.eval()
        backbone = model.backbone
        check_finite(backbone.state_dict(), 'the backbone')
        self.images = CalibrationImages(
            runner.build_dataloader(self.calib_dataloader, self.seed), model)
        with Progress(disable=not is_main_process()) as bars:
            self.quantization = quantize_backbone(
                backbone,
                Calibration(self.images, self.num_batches, self.observer,
                            self.seed, _ProgressBars(bars)),
                Selection(self._policy(), self.fit), self.bits)
        self.quantization.backbone.to(next(backbone.parameters()).device)
        return self.quantization

    def install(self, runner: Runner) -> None:
        """Put the integer backbone in the place of the float one."""
        unwrapped(runner.model).backbone = self.quantization.backbone

    def _policy(self) -> AssignmentPolicy:
        forced = self.assignment
        if isinstance(forced, str):
            try:
                forced = read_assignment(forced)
            except (FileNotFoundError, ValueError) as error:
                raise UserError(f'assignment: {error}') from error
        return AssignmentPolicy(self.candidates, forced, self.normalization)


class _ProgressBars:
    """One bar for each pass over the calibration images."""

    def __init__(self, bars: Progress):
        self.bars, self.tasks = bars, {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self.tasks:
            self.tasks[what] = self.bars.add_task(what, total=total)
        self.bars.update(self.tasks[what], completed=done)
