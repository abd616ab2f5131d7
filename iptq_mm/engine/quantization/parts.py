"""Neck and heads of a detector -> integer parts, behind its integer backbone.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice

import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from torch import Tensor, nn

from ...assignment import Choice, SoftmaxLayer
from ...calibration import Sampler, SecondMoments, Site, UnreachedSiteError
from ...calibration.observers import min_max
from ...lowering import lowering_of
from ...lowering.detectors.folding import fold_norms
from ...lowering.rounding.recorded import Recorded
from ...lowering.rounding.rounding import roundings
from ...lowering.scale import fill
from ...models.detectors.part import IntPart
from ...models.detectors.program import (
    SCORES,
    SOFTMAX_BITS,
    ScoreSoftmax,
)
from ...models.detectors.program.assemble import score_scale
from ...models.detectors.program.steps import FAMILY, check_steps
from ...models.detectors.swin_backbone import DEFAULT_BITS
from ..errors import UserError
from .budget import Part, at_the_layer, lower_within
from .calibrate import WIDE, Calibration, thresholds
from .progress import OBSERVING_PARTS, SCORING
from .select import Selection

TWO_STAGE = ('neck', 'rpn_head', 'roi_head.bbox_head', 'roi_head.mask_head')
"""What an R-CNN has beside its backbone; Faster R-CNN has no mask head."""

ONE_STAGE = ('neck', 'bbox_head')
"""Likewise RetinaNet."""


def part_names(detector: nn.Module) -> list[str]:
    """Module names of neck and heads; a cascade has several of a kind.

    Args:
        detector (nn.Module): Float or integer.

    Raises:
        UserError: If it lacks one.
    """
    modules = dict(detector.named_modules())
    parts = TWO_STAGE if 'roi_head' in modules else ONE_STAGE
    missing = [name for name in parts[:3] if name not in modules]
    if missing:
        raise UserError(
            f'{type(detector).__name__} has no {", ".join(missing)}: '
            f"scope='all' is for Faster R-CNN, Mask R-CNN, their cascades and "
            f"RetinaNet. Use scope='backbone'.")
    names = []
    for name in parts:
        if isinstance(modules.get(name), nn.ModuleList):
            names += [f'{name}.{i}' for i in range(len(modules[name]))]
        elif name in modules:
            names.append(name)
    return names


def prepare_parts(detector: nn.Module) -> None:
    """Fold the BatchNorms of neck and heads, and refuse a detector whose neck
    or heads have no integer form.

    Args:
        detector (nn.Module): Float, in evaluation mode; changed in place to
            one that computes the same.

    Raises:
        UserError: Naming the part and what it is instead.
    """
    for name in part_names(detector):
        part = detector.get_submodule(name)
        fold_norms(part)
        try:
            lowering_of(part, DEFAULT_BITS)
        except TypeError as error:
            raise UserError(f"scope='all': {name} is a {error}. Use "
                            f"scope='backbone'.") from error
    try:
        if type(detector) not in FAMILY:
            raise TypeError(f'a {type(detector).__name__} has no integer form')
        check_steps(detector)
    except TypeError as error:
        raise UserError(f"scope='all': {error}. Change it in the config, or "
                        f"use scope='backbone'.") from error


@torch.no_grad()
def check_detections(detector: nn.Module, batches: Iterable[dict],
                     num_batches: int) -> None:
    """Refuse calibration images in which a float detector finds nothing:
    heads that do not run cannot be calibrated. Looks no further than the
    first image with a detection.

    Args:
        detector (nn.Module): In evaluation mode.
        batches (Iterable[dict]): As ``test_step`` takes them.
        num_batches (int): How many calibration will see.

    Raises:
        UserError: Saying in how many images nothing was found.
    """
    images = 0
    for batch in islice(batches, num_batches):
        samples = detector.test_step(batch)
        images += len(samples)
        if any(len(sample.pred_instances) for sample in samples):
            return
    raise UserError(
        f'the float detector found 0 objects in the {images} calibration '
        f"images, and with scope='all' its heads are calibrated on what it "
        f"finds. Check the checkpoint, calibrate on images with objects, or "
        f"use scope='backbone'.")


@contextmanager
def any_score(detector: nn.Module) -> Iterator[None]:
    """Have a detector find its best boxes whatever their scores, for a while:
    one of random weights is sure of nothing, and its heads would not run."""
    owner = (detector.roi_head if hasattr(detector, 'roi_head')
             else detector.bbox_head)
    rules = owner.test_cfg
    owner.test_cfg = ConfigDict(rules, score_thr=0.)
    try:
        yield
    finally:
        owner.test_cfg = rules


class _Detection(nn.Module):
    """A batch of a dataloader -> detections, as in a test."""

    def __init__(self, detector: nn.Module):
        super().__init__()
        self.detector = detector

    def forward(self, data: dict) -> list:
        return self.detector.test_step(data)


@dataclass(frozen=True)
class Parts:
    """What of a detector has become integer, beside its backbone.

    Args:
        layers (dict[str, IntPart]): The integer layers of neck and heads, on
            the CPU, by the part's name.
        softmax (ScoreSoftmax): Of the class scores, likewise.
        choices (dict[str, Choice]): Scores and assigned candidate of that
            Softmax, as of a non-linear layer of the backbone.
        widths (dict[str, int]): Of the weights of each layer that had a
            choice, by ``PART/LAYER``.
    """
    layers: dict[str, IntPart]
    softmax: ScoreSoftmax
    choices: dict[str, Choice]
    widths: dict[str, int]

    def modules(self) -> dict[str, nn.Module]:
        """All of it, by the name that it has in the integer detector."""
        return {
            **{f'{name}.layers': part for name, part in self.layers.items()},
            'score_softmax': self.softmax
        }

    def names(self) -> list[str]:
        """Modules of the integer detector that hold nothing else."""
        return [*self.layers, 'score_softmax']


def quantize_parts(detector: nn.Module, calibration: Calibration,
                   selection: Selection, bits: Mapping[str, int],
                   rounding: str, budget: float | None = None) -> Parts:
    """Calibrate and lower neck and heads in one pass over the images, in
    which the detector detects as in a test. It stays as it is.

    Args:
        detector (nn.Module): In evaluation mode, with its integer backbone
            and float neck and heads.
        calibration (Calibration): What to show to it: batches as
            ``test_step`` takes them.
        selection (Selection): How Softmax of the scores gets its candidate.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
        rounding (str): A name in ``iptq_mm.lowering.ROUNDINGS``.
        budget (float, optional): Bytes that all of it may have, see
            :func:`~.quantize.quantize_backbone`. Defaults to None.

    Returns:
        Parts: The same arguments give the same integers.

    Raises:
        UserError: If a part has never run (no detections, no masks), or the
            images are too few or give NaN or Inf.
        TypeError: If a part has no integer form, see :func:`prepare_parts`.
        ValueError: If integers cannot hold what they must.
    """
    lowerings = {
        name: lowering_of(detector.get_submodule(name), bits)
        for name in part_names(detector)
    }
    sites, inputs = {}, {}
    for part, lowering in lowerings.items():
        sites.update(_sites_of(part, lowering.sites()))
        inputs.update(_sites_of(part, lowering.linears()))
    selection.check({SCORES: 'softmax'})
    # The largest activations of neck and heads are the objects themselves:
    # few, and not to be clipped for the others' sake.
    observers = {name: min_max() for name in sites}
    moments = {name: SecondMoments() for name in inputs}
    logits = _logits(detector, lowerings)
    samplers = {part: Sampler(seed=calibration.seed) for part in logits}
    try:
        calibration.watch(
            _Detection(detector), {**sites, **inputs, **logits},
            {**observers, **moments}, samplers, OBSERVING_PARTS)
    except UnreachedSiteError as error:
        idle = [
            part for part in lowerings
            if any(module.startswith(f'detector.{part}.')
                   for module in error.modules)
        ]
        raise UserError(
            f'{", ".join(idle)} did not run on the calibration images: what '
            f'the detector found in them with its integer backbone was too '
            f'little. Calibrate on more of them (num_batches).') from error
    found = thresholds(sites, observers)
    widths: dict[str, int] = {}
    if budget is None:
        layers = {
            part: lowering.lower(
                _of_part(part, found), {},
                roundings(rounding, _of_part(part, moments)))
            for part, lowering in lowerings.items()
        }
    else:
        layers, widths = lower_within({
            part: Part(
                detector.get_submodule(part), _of_part(part, found), {}, bits,
                Recorded(rounding, _of_part(part, moments)))
            for part in lowerings
        }, budget, at_the_layer)
    # The samplers pick alike: what is read is the mean over the stages.
    try:
        rows = torch.stack([sampler.rows for sampler in samplers.values()])
    except RuntimeError as error:
        raise UserError(
            'on the calibration images the detector with its integer backbone '
            'gave no score above score_thr. Calibrate on more of them '
            '(num_batches).') from error
    scale = score_scale(layers)
    choices = selection.choose(
        {SCORES: SoftmaxLayer(scale, SOFTMAX_BITS)}, {SCORES: rows.mean(0)},
        partial(calibration.progress, SCORING))
    assigned = choices[SCORES].assigned
    softmax = ScoreSoftmax(assigned.name)
    fill(softmax.params, assigned.lower(scale, SOFTMAX_BITS))
    return Parts(layers, softmax, choices, widths)


def _logits(detector: nn.Module, parts: Iterable[str]) -> dict[str, Site]:
    """Where Softmax of the scores has its rows from, by the part's name."""
    if 'bbox_head' in parts:
        least = detector.bbox_head.test_cfg.get('score_thr', 0.)
        return {
            'bbox_head/scores': Site(
                'detector.bbox_head.retina_cls', 'output', WIDE,
                partial(_pairs_above, least))
        }
    return {
        f'{part}/scores': Site(f'detector.{part}.fc_cls', 'output', WIDE)
        for part in parts if part.startswith('roi_head.bbox_head')
    }


def _pairs_above(least_score: float, logits: Tensor) -> Tensor:
    """Float [...] -> [N, 2]: sigmoid is Softmax of a logit and 0. Only what
    is kept is looked at: an image has millions of anchors without object."""
    kept = logits[logits.sigmoid() > least_score]
    return torch.stack([kept, torch.zeros_like(kept)], 1)


def _sites_of(part: str, sites: Mapping[str, Site]) -> dict[str, Site]:
    """The sites of a part as the detector around it has them."""
    return {
        f'{part}/{name}': Site(f'detector.{part}.{site.module}', site.port,
                               site.bits, site.select)
        for name, site in sites.items()
    }


def _of_part(part: str, values: Mapping) -> dict:
    """What belongs to the sites of a part, by their own names."""
    return {
        name.removeprefix(f'{part}/'): value
        for name, value in values.items() if name.startswith(f'{part}/')
    }


def integer_detector(config: ConfigDict, backbone: nn.Module,
                     parts: Parts) -> nn.Module:
    """A detector of integers only.

    Args:
        config (ConfigDict): Of it: it alone tells all that the heads were
            built with.
        backbone (nn.Module): Integer.
        parts (Parts): Of :func:`quantize_parts`.

    Returns:
        nn.Module: In evaluation mode, on the CPU.
    """
    detector = MODELS.build(config)
    detector.backbone = backbone
    for name, module in parts.modules().items():
        detector.get_submodule(name).load_state_dict(module.state_dict())
    return detector.eval()


@contextmanager
def replaced(model: nn.Module, **children: nn.Module) -> Iterator[None]:
    """Give a model other children for a while."""
    originals = {name: getattr(model, name) for name in children}
    for name, child in children.items():
        setattr(model, name, child)
    try:
        yield
    finally:
        for name, child in originals.items():
            setattr(model, name, child)
