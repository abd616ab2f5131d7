"""Post-training quantization as a hook of a test run."""
from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from ...assignment import AssignmentPolicy, Choice, read_assignment
from ...environment import has_mmdet, is_detector
from ...models.detectors.program import SCORES
from ...registry import HOOKS, MODELS
from ..artifact.digest import digest
from ..artifact.int_model import stored_bytes
from ..artifact.int_model_config import int_classifier_config, int_model_config
from ..errors import UserError
from ..inputs.checkpoint import check_finite, load_weights, weights_of
from ..inputs.preflight import check_backbone
from ..inputs.settings import checked
from .calibrate import Calibration, Progress
from .images import CalibrationImages
from .pixels import pixels_in
from .processes import check_agreement, share_of_rank
from .progress import bars
from .quantize import Quantization, quantize_backbone
from .select import Selection
from .statistics_files import StatisticsFiles

if has_mmdet():
    from .parts import (
        Parts,
        any_score,
        check_detections,
        integer_detector,
        part_names,
        prepare_parts,
        quantize_parts,
        replaced,
    )


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside mmengine's wrapper for parallel processes."""
    return model.module if is_model_wrapper(model) else model


@HOOKS.register_module()
class PTQHook(Hook):
    """Makes a detector integer-only before the first test run.

    It shows calibration images to the stock float backbone (nothing else of
    the detector runs) and lowers the backbone to integers. The detector then
    detects on the same images, behind its integer backbone, and neck and
    heads are lowered by what they have seen: a program of integers from the
    pixels to boxes, scores, labels and masks. With ``scope='backbone'`` the
    integer backbone stands in the place of the float one, and the rest stays
    as it is. A classifier is all backbone. A float checkpoint that does not
    fit the model is refused rather than loaded in part.

    Args:
        calib_dataloader (dict): Config of the calibration dataloader, as
            ``test_dataloader``.
        scope (str): ``'all'`` for the whole model, a classifier or a detector
            of the R-CNN family, or ``'backbone'``. Defaults to ``'all'``.
        input (str, optional): What the integer backbone takes:
            ``'normalized'`` images, or ``'uint8'``, with the normalization in
            the weights of its patch embedding. Defaults to ``'uint8'`` for a
            whole detector, ``'normalized'`` elsewhere.
        num_batches (int): Batches of it to calibrate on. Defaults to 32.
        observer (dict): Observer of the backbone's sites narrower than 16
            bits; neck and heads keep their whole range. Defaults to
            ``dict(type='mse')``.
        candidates (dict[str, list[str]], optional): Candidates that are
            scored, by kind (``gelu``, ``softmax``, ``layernorm``). Defaults
            to all.
        assignment (dict[str, str] | str, optional): What is assigned whatever
            the scores: a candidate by kind or by layer, or the path of an
            ``assignment.json`` of an earlier run. Defaults to ``{}``: the
            Unified Metric chooses everywhere.
        normalization (str): How the Unified Metric brings Q, P and C to one
            range, a name in ``iptq_mm.assignment.NORMALIZATIONS``. Defaults
            to ``'reference'``.
        fit (str): Whose data the data-aware candidates are fitted to, a name
            in ``iptq_mm.assignment.FITS``. Defaults to ``'layer'``.
        rounding (str): How weights become integers, a name in
            ``iptq_mm.lowering.ROUNDINGS``. Defaults to ``'gptq'``.
        equalize (bool): Bring the channels of LayerNorm outputs to like
            ranges first. Defaults to True.
        compensate (bool): Round the weights of the backbone in the order of
            its layers, so that each makes up for the errors of those before
            it. Defaults to True.
        bits (dict[str, int], optional): Widths of ``weight`` (2 to 8,
            defaults to 8; first and last layers keep 8), ``activation`` and
            ``attention`` maps (likewise), ``residual`` (8 to 16, 16) and
            ``output`` (2 to 16, 16).
        budget_mb (float, optional): Megabytes (10^6 bytes) that all integers
            of the model may have, as they are stored. Some layers then have
            weights of 4 bits and the others of 8, by the error that each
            byte takes away. Defaults to None, no limit.
        seed (int): Which images a shuffling calibration sampler picks, and
            which rows of activations are looked at. Independent of the
            runner's own seed, so that every run of a config gives the same
            integers. Defaults to 0.

    Raises:
        UserError: If a setting is not what it may be (``settings.py``).

    Attributes:
        quantization (Quantization | None): Result, once there is one.
        parts (Parts | None): Integer neck and heads; None with
            ``scope='backbone'``.
        source (nn.Module | None): The float backbone that was calibrated; it
            takes images as the integer one does.
        preprocessor (dict | None): Config of the data preprocessor that
            ``input='uint8'`` needs.
        images (CalibrationImages | None): What it was calibrated on, likewise.
    """

    def __init__(self,
                 calib_dataloader: dict,
                 scope: str = 'all',
                 input: str | None = None,
                 num_batches: int = 32,
                 observer: Mapping[str, Any] = dict(type='mse'),
                 candidates: Mapping[str, Sequence[str]] | None = None,
                 assignment: Mapping[str, str] | str = {},
                 normalization: str = 'reference',
                 fit: str = 'layer',
                 rounding: str = 'gptq',
                 equalize: bool = True,
                 compensate: bool = True,
                 bits: Mapping[str, int] | None = None,
                 budget_mb: float | None = None,
                 seed: int = 0):
        settings = checked(
            dict(
                calib_dataloader=calib_dataloader,
                scope=scope,
                input=input,
                num_batches=num_batches,
                observer=observer,
                candidates=candidates,
                assignment=assignment,
                normalization=normalization,
                fit=fit,
                rounding=rounding,
                equalize=equalize,
                compensate=compensate,
                bits=bits,
                budget_mb=budget_mb,
                seed=seed))
        for name, value in settings.items():
            setattr(self, name, value)
        self.quantization: Quantization | None = None
        self.parts: Parts | None = None
        self.source: nn.Module | None = None
        self.preprocessor: dict[str, Any] | None = None
        self.images: CalibrationImages | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Every argument, as it is used."""
        return {name: getattr(self, name) for name in SETTINGS}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse a checkpoint that does not fit; mmengine only warns.

        Raises:
            UserError: Naming keys that do not fit, or a tensor with NaN or
                Inf.
        """
        weights = weights_of(checkpoint)
        load_weights(unwrapped(runner.model), weights, 'the checkpoint')
        checkpoint['state_dict'] = weights  # what mmengine goes on to load

    def before_test(self, runner: Runner) -> None:
        """Quantize, the first time, and test the integer model."""
        if self.quantization is None:
            self.quantize(runner)
        self.install(runner)

    @torch.no_grad()
    def quantize(self,
                 runner: Runner,
                 folder: Path | None = None,
                 resume: bool = False,
                 progress: Progress | None = None) -> Quantization:
        """Quantize the runner's model, which stays float.

        Args:
            runner (Runner): With the float model.
            folder (Path, optional): Where the statistics of calibration are
                kept, for a run that is killed. Defaults to None, nowhere.
            resume (bool): Go on from the statistics that are there. Defaults
                to False.
            progress (Progress, optional): Told how far it is. Defaults to
                None, bars of its own.

        Raises:
            UserError: If what shall be quantized has no integer form (said
                before any work) or holds NaN or Inf, the calibration set is
                too small or unusable, or processes come to different
                integers.
        """
        model = unwrapped(runner.model)
        check_backbone(model)
        model.eval()
        whole = self.scope == 'all' and is_detector(model)
        if whole:
            prepare_parts(model)
        check_finite(model.backbone.state_dict(), 'the backbone')
        self.source, preprocessor = model.backbone, model.data_preprocessor
        device = next(self.source.parameters()).device
        if (self.input or ('uint8' if whole else 'normalized')) == 'uint8':
            self.source, self.preprocessor = pixels_in(model)
            preprocessor = MODELS.build(self.preprocessor).to(device)
        loader = share_of_rank(
            runner.build_dataloader(self.calib_dataloader, self.seed),
            self.num_batches)
        self.images = CalibrationImages(loader, preprocessor)
        files = None if folder is None else StatisticsFiles(
            folder, self._fingerprint(model, len(loader.dataset)), resume)
        with (_rules(model, runner.cfg) if whole else nullcontext(),
              nullcontext(progress) if progress else bars() as told):
            if whole:
                check_detections(model, loader, self.num_batches)
            calibration = Calibration(self.images, self.num_batches,
                                      self.observer, self.seed,
                                      told, files)
            policy = self.policy()
            self.quantization = quantize_backbone(
                self.source, calibration,
                Selection(policy.without([SCORES]), self.fit), self.bits,
                self.rounding, self.equalize, self.compensate,
                self._backbone_bytes(model, whole))
            integers = [self.quantization.backbone.to(device)]
            if whole:
                with replaced(model, backbone=integers[0],
                              data_preprocessor=preprocessor):
                    self.parts = self._quantize_parts(
                        model, replace(calibration, batches=loader), policy)
                integers += self.parts.modules().values()
        agreed = check_agreement(integers)
        print_log(f'SHA-256 of all integers: {agreed}', 'current')
        return self.quantization

    def _quantize_parts(self, model: nn.Module, calibration: Calibration,
                        policy: AssignmentPolicy) -> Parts:
        began, done = time.perf_counter(), self.done()
        parts = quantize_parts(
            model, calibration,
            Selection(policy.without(done.choices), self.fit), self.bits,
            self.rounding, self._bytes_beside(done.backbone))
        done.seconds['parts'] = time.perf_counter() - began
        return parts

    def _backbone_bytes(self, model: nn.Module, whole: bool) -> float | None:
        """What of the budget the backbone may take: of a whole detector its
        share of the weights."""
        if self.budget_mb is None:
            return None
        share = 1.
        if whole:
            counts = {
                name: sum(weight.numel() for weight in
                          model.get_submodule(name).parameters())
                for name in ('backbone', *part_names(model))
            }
            share = counts['backbone'] / sum(counts.values())
        return self.budget_mb * 1e6 * share

    def _bytes_beside(self, backbone: nn.Module) -> float | None:
        """What the integer backbone leaves of the budget."""
        if self.budget_mb is None:
            return None
        return self.budget_mb * 1e6 - stored_bytes(backbone.state_dict())

    def done(self) -> Quantization:
        """What :meth:`quantize` has made.

        Raises:
            RuntimeError: If it was not called.
        """
        if self.quantization is None:
            raise RuntimeError('nothing is quantized yet: call quantize()')
        return self.quantization

    @property
    def choices(self) -> dict[str, Choice]:
        """Scores and assigned candidate of each non-linear layer."""
        own = {} if self.parts is None else self.parts.choices
        return {**self.done().choices, **own}

    @property
    def widths(self) -> dict[str, int]:
        """Of the weights of each layer that had a choice, by
        ``PART/LAYER``; none without a budget."""
        own = {} if self.parts is None else self.parts.widths
        return {**self.done().widths, **own}

    @property
    def functions(self) -> dict[str, str]:
        """Assigned candidate of each non-linear layer, by name."""
        own = {} if self.parts is None else {
            SCORES: self.parts.softmax.function
        }
        return {**self.done().functions, **own}

    @property
    def part_names(self) -> list[str]:
        """Modules of the integer model that hold nothing but integers."""
        own = [] if self.parts is None else self.parts.names()
        return ['backbone', *own]

    def model_config(self, model: Mapping[str, Any]) -> ConfigDict:
        """The config of the integer model.

        Args:
            model (Mapping): Of the float one.
        """
        functions, network = self.functions, self.done().backbone
        if hasattr(network, 'structure'):
            return int_classifier_config(model, network, functions, self.bits,
                                         self.preprocessor)
        return int_model_config(model, functions, self.bits, self.scope,
                                self.preprocessor)

    def install(self, runner: Runner) -> None:
        """Put what has become integer in the place of what was float: the
        backbone, or the whole detector."""
        model, backbone = unwrapped(runner.model), self.done().backbone
        device = next(backbone.buffers()).device
        if self.parts is not None:
            model = integer_detector(
                self.model_config(runner.cfg.model), backbone, self.parts)
            if is_model_wrapper(runner.model):
                runner.model.module = model.to(device)
            else:
                runner.model = model.to(device)
            return
        model.backbone = backbone
        if self.preprocessor is not None:
            model.data_preprocessor = MODELS.build(
                self.preprocessor).to(device)

    def _fingerprint(self, model: nn.Module, num_images: int) -> dict:
        return {
            'the settings of PTQHook': str(self.settings),
            'the weights': digest([model]),
            'the number of images': num_images,
            'the number of processes': get_world_size()
        }

    def policy(self) -> AssignmentPolicy:
        """What competes and what is forced.

        Raises:
            UserError: If ``assignment`` names a file that is none.
        """
        forced = self.assignment
        if isinstance(forced, str):
            try:
                forced = read_assignment(forced)
            except (FileNotFoundError, ValueError) as error:
                raise UserError(f'assignment: {error}') from error
        return AssignmentPolicy(self.candidates, forced, self.normalization)


def _rules(model: nn.Module, config: Config) -> AbstractContextManager:
    """By which a detector keeps boxes while its heads are calibrated."""
    if getattr(config, 'load_from', '') is not None:
        return nullcontext()
    print_log('Random weights are sure of nothing: neck and heads are '
              'calibrated on their best boxes, whatever the score.',
              'current', logging.WARNING)
    return any_score(model)


SETTINGS = tuple(signature(PTQHook).parameters)
"""Arguments of the hook, which are attributes of the same names."""
