"""A float Swin and its integer twin, for tests below the engine."""
import torch
from mmdet.models.backbones.swin import SwinTransformer

from iptq_mm.calibration import Collector
from iptq_mm.calibration.observers import min_max
from iptq_mm.engine.quantization.calibrate import thresholds
from iptq_mm.lowering import lowering_of
from iptq_mm.lowering.rounding.rounding import nearest_everywhere
from iptq_mm.models.detectors.swin_backbone import (
    DEFAULT_BITS,
    DEFAULT_FUNCTIONS,
)
from iptq_mm.registry import APPROXIMATIONS


def float_swin(seed=0, **config):
    """A stock backbone with seeded weights, lively enough to have a signal
    at every site."""
    torch.manual_seed(seed)
    swin = SwinTransformer(**config)
    swin.eval()  # returns None: mmdet's train() does
    for name, parameter in swin.named_parameters():
        if parameter.dim() > 1 or name.endswith('bias'):
            torch.nn.init.normal_(
                parameter, std=0.5 * parameter.shape[-1]**-0.5)
    return swin


@torch.no_grad()
def min_max_thresholds(model, sites, batch, forward=None):
    """Calibrate on one batch."""
    observers = {name: min_max() for name in sites}
    with Collector(model, sites, observers):
        model(batch) if forward is None else forward(model, batch)
    return thresholds(sites, observers)


def quantized(swin, images, functions=None, bits=None,
              roundings=nearest_everywhere):
    """Calibrate on one batch with min-max and lower."""
    lowering = lowering_of(swin, {**DEFAULT_BITS, **(bits or {})})
    names = {**DEFAULT_FUNCTIONS, **(functions or {})}
    candidates = {
        layer: APPROXIMATIONS.get(names[kind])()
        for layer, kind in lowering.nonlinear_layers().items()
    }
    return lowering.lower(
        min_max_thresholds(swin, lowering.sites(), images), candidates,
        roundings)


def sqnr_db(y, y_hat):
    """10 log10(E[y^2] / E[(y - y_hat)^2])."""
    noise = (y - y_hat).square().mean()
    return 10 * torch.log10(y.square().mean() / noise).item()
