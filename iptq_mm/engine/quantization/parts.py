"""Neck and heads of an R-CNN -> integer parts, behind an integer backbone."""
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice

import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from torch import nn

from ...calibration import SecondMoments, Site, UnreachedSiteError
from ...lowering import lowering_of
from ...lowering.detectors.folding import fold_norms
from ...lowering.rounding.rounding import roundings
from ...models.detectors.part import IntPart
from ...models.detectors.swin_backbone import DEFAULT_BITS
from ..errors import UserError
from .calibrate import Calibration, thresholds

PARTS = ('neck', 'rpn_head', 'roi_head.bbox_head', 'roi_head.mask_head')
"""What of a detector has an integer form, beside its backbone."""

REQUIRED = PARTS[:3]
"""Faster R-CNN has no mask head."""


def part_names(detector: nn.Module) -> list[str]:
    """Module names of neck and heads; a cascade has several of a kind.

    Args:
        detector (nn.Module): Float or integer.

    Raises:
        UserError: If it is no detector of the R-CNN family.
    """
    modules = dict(detector.named_modules())
    missing = [name for name in REQUIRED if name not in modules]
    if missing:
        raise UserError(
            f'{type(detector).__name__} has no {", ".join(missing)}: '
            f"scope='all' is for Faster R-CNN, Mask R-CNN and their cascades. "
            f"Use scope='backbone'.")
    names = []
    for name in PARTS:
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


class _Detection(nn.Module):
    """A batch of a dataloader -> detections, as in a test."""

    def __init__(self, detector: nn.Module):
        super().__init__()
        self.detector = detector

    def forward(self, data: dict) -> list:
        return self.detector.test_step(data)


def quantize_parts(detector: nn.Module, calibration: Calibration,
                   bits: Mapping[str, int],
                   rounding: str) -> dict[str, IntPart]:
    """Calibrate and lower neck and heads in one pass over the images, in
    which the detector detects as in a test. It stays as it is.

    Args:
        detector (nn.Module): In evaluation mode, with its integer backbone
            and float neck and heads.
        calibration (Calibration): What to show to it: batches as
            ``test_step`` takes them.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
        rounding (str): A name in ``iptq_mm.lowering.ROUNDINGS``.

    Returns:
        dict[str, IntPart]: The integer layers of each part, on the CPU, by
        the part's name.

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
    observers = calibration.observers(sites)
    moments = {name: SecondMoments() for name in inputs}
    try:
        calibration.watch(
            _Detection(detector), {**sites, **inputs},
            {**observers, **moments}, {}, 'observing neck and heads')
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
    return {
        part: lowering.lower(
            _of_part(part, found), {},
            roundings(rounding, _of_part(part, moments)))
        for part, lowering in lowerings.items()
    }


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


def integer_heads(config: ConfigDict,
                  parts: Mapping[str, IntPart]) -> dict[str, nn.Module]:
    """Children of an integer detector around the layers of its parts.

    Args:
        config (ConfigDict): Of the integer detector: it alone tells all that
            the heads were built with.
        parts (Mapping[str, IntPart]): Of :func:`quantize_parts`.

    Returns:
        dict[str, nn.Module]: Neck, RPN head and RoI head, by name.
    """
    detector = MODELS.build(config).eval()
    for name, part in parts.items():
        detector.get_submodule(name).layers.load_state_dict(part.state_dict())
    names = dict.fromkeys(name.partition('.')[0] for name in parts)
    return {name: getattr(detector, name) for name in names}


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
