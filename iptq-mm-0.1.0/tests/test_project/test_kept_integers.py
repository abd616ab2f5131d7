"""The integers of the bundled networks, kept from version to version.

What calibration observes depends in its last bits on the processor, so that
here every site has the same range: the rest of the way, from float weights to
the integers that come out, is the same everywhere.
"""
import json
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules

from iptq_mm.engine.artifact.digest import digest, digest_of
from iptq_mm.engine.inputs.checkpoint import (
    load_weights,
    read_checkpoint,
    weights_of,
)
from iptq_mm.engine.inputs.config import load_config
from iptq_mm.engine.quantization.parts import part_names
from iptq_mm.guard import integer_only_regions
from iptq_mm.lowering import lowering_of, watchable
from iptq_mm.lowering.rounding.rounding import nearest_everywhere
from iptq_mm.models.detectors.swin_backbone import (
    DEFAULT_BITS,
    DEFAULT_FUNCTIONS,
)
from iptq_mm.registry import APPROXIMATIONS

from conftest import ROOT

RANGE = 4.
"""Of every site."""

SIZES = dict(rcnn=(45, 70), cifar10=(32, 32), shapes=(64, 64))
"""Of the image, by how a config's name ends."""

KEPT = json.loads(Path(__file__).with_suffix('.json').read_text())
"""SHA-256 of weights, and of what comes out, by config and width of the
weights."""


def lowered(module, bits):
    lowering = lowering_of(module, bits)
    functions = {
        layer: APPROXIMATIONS.get(DEFAULT_FUNCTIONS[kind])()
        for layer, kind in lowering.nonlinear_layers().items()
    }
    return lowering.lower(dict.fromkeys(lowering.sites(), RANGE), functions,
                          nearest_everywhere)


def integers_of(name, weight):
    """Integer parts of a bundled network, and the sizes of their inputs."""
    register_all_modules()
    config = load_config(ROOT / 'configs' / f'{name}.py')
    model = MODELS.build(config.model).eval()
    if config.get('load_from'):
        path = ROOT / config.load_from
        load_weights(model, weights_of(read_checkpoint(path)), str(path))
    bits = {**DEFAULT_BITS, 'weight': weight}
    backbone = lowered(watchable(model.backbone), bits)
    parts = [] if 'cifar10' in name or 'vit' in name else [
        lowered(model.get_submodule(part), bits)
        for part in part_names(model)]
    return backbone, parts


def outputs(backbone, parts, name):
    """What comes out of the backbone, and of the neck behind it."""
    ending = next(end for end in ('rcnn', 'cifar10', 'shapes')
                  if end in name)
    image = torch.randint(
        -300, 300, (1, 3, *SIZES[ending]),
        generator=torch.Generator().manual_seed(0)) / 100
    y = backbone(image)
    y = [y] if torch.is_tensor(y) else list(y)
    if parts:
        y += parts[0](*y)
    return {str(i): tensor for i, tensor in enumerate(y)}


@pytest.mark.parametrize('weight', [8, 4])
@pytest.mark.parametrize('name', sorted({key.rpartition(' ')[0]
                                         for key in KEPT}))
@torch.no_grad()
def test_integers_are_those_of_before(name, weight):
    backbone, parts = integers_of(name, weight)
    kept = KEPT[f'{name} W{weight}']
    assert digest([backbone, *parts]) == kept['weights']
    native = outputs(backbone, parts, name)
    assert digest_of(native) == kept['outputs']
    with integer_only_regions(backbone):
        references = outputs(backbone, [], name)
    assert all(torch.equal(references[key], native[key])
               for key in references)
