"""Float model -> integer model, as plainly as a benchmark needs it."""
import copy
from collections.abc import Mapping
from types import SimpleNamespace

import torch
from mmengine.runner import Runner
from torch import Tensor, nn

from ..calibration import Collector
from ..calibration.observers import min_max
from ..engine.quantization.calibrate import thresholds
from ..engine.quantization.ptq_hook import PTQHook
from ..lowering import lowering_of, watchable
from ..lowering.rounding.rounding import roundings
from ..models.detectors.swin_backbone import DEFAULT_BITS, DEFAULT_FUNCTIONS
from ..registry import APPROXIMATIONS
from .models import Detection, mask_rcnn_config, sample


@torch.no_grad()
def integer_model(model: nn.Module, images: Tensor,
                  bits: Mapping[str, int]) -> nn.Module:
    """Calibrate on the images and lower, with the default candidates; the
    weights in groups where there are some, but not compensated.

    Args:
        model (nn.Module): Of ``float_model``; a detector becomes integer in
            all its parts that can.
        images (Tensor): float32 [B, 3, H, W].
        bits (Mapping[str, int]): Widths other than ``DEFAULT_BITS``.
    """
    if isinstance(model, Detection):
        return _integer_detector(model, images, bits)
    network = watchable(model)
    lowering = lowering_of(network, {**DEFAULT_BITS, **bits})
    sites = lowering.sites()
    observers = {name: min_max() for name in sites}
    with Collector(network, sites, observers):
        network(images)
    functions = {
        layer: APPROXIMATIONS.get(DEFAULT_FUNCTIONS[kind])()
        for layer, kind in lowering.nonlinear_layers().items()
    }
    return lowering.lower(
        thresholds(sites, observers), functions, roundings('mse', {}))


class _Photographs(torch.utils.data.Dataset):
    """Normalized images as a test dataloader of mmdet gives them.

    Args:
        images (Tensor): float32 [B, 3, H, W].
        preprocessor (nn.Module): mmdet's, which normalizes.
    """

    def __init__(self, images: Tensor, preprocessor: nn.Module):
        pixels = images * preprocessor.std + preprocessor.mean
        self.pixels = pixels.round().clamp(0, 255).to(torch.uint8)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> dict:
        image = self.pixels[index]
        return dict(inputs=image, data_samples=sample(image.shape[1:]))


def _integer_detector(model: Detection, images: Tensor,
                      bits: Mapping[str, int]) -> nn.Module:
    """Backbone, neck and heads by the hook that ``tools/ptq.py`` runs."""
    runner = SimpleNamespace(
        model=copy.deepcopy(model.detector),
        cfg=SimpleNamespace(model=mask_rcnn_config()),
        build_dataloader=Runner.build_dataloader)
    loader = dict(
        batch_size=1,
        dataset=_Photographs(images, runner.model.data_preprocessor),
        collate_fn=dict(type='pseudo_collate'),
        sampler=dict(type='DefaultSampler', shuffle=False))
    hook = PTQHook(
        loader, input='normalized', num_batches=len(images),
        observer=dict(type='min_max'),
        candidates={kind: [name] for kind, name in DEFAULT_FUNCTIONS.items()},
        rounding='nearest', equalize=False, bits=bits)
    hook.quantize(runner)
    hook.install(runner)
    return Detection(runner.model.eval())
