"""Candidate instances for every layer, and whose data they are fitted to.

Each function is registered under the name that a configuration gives. What
is fitted by channel (LayerNorm) belongs to one layer, so the choice is one
for GELU and Softmax only.
"""
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import torch
from mmengine.registry import Registry
from torch import Tensor

from ..functions.base import Candidate
from ..registry import APPROXIMATIONS

Names = Mapping[str, Sequence[str]]
"""Names of the candidates of each layer."""

Samples = Mapping[str, Tensor]
"""Float input of each layer; LayerNorm's [T, C]."""

Candidates = dict[str, dict[str, Candidate]]
"""Instances by layer and name."""

FITS = Registry('fit', scope='iptq_mm')


@FITS.register_module(name='layer')
def per_layer(names: Names, samples: Samples) -> Candidates:
    """Each layer has the coefficients that fit its own input."""
    return _instances(names, lambda cls, layer: cls.fit(samples[layer]))


@FITS.register_module(name='model')
def per_model(names: Names, samples: Samples) -> Candidates:
    """All layers of a kind share the coefficients that fit their joint
    input."""

    @cache
    def shared(cls: type) -> Candidate:
        return cls.fit(torch.cat([
            samples[layer].flatten() for layer in names
            if cls.name in names[layer]
        ]))

    return _instances(
        names, lambda cls, layer: cls.fit(samples[layer])
        if cls.kind == 'layernorm' else shared(cls))


@FITS.register_module(name='published')
def published(names: Names, samples: Samples) -> Candidates:
    """The coefficients of the papers."""
    return _instances(
        names, lambda cls, layer: cls.fit(samples[layer])
        if cls.kind == 'layernorm' else cls())


def _instances(names: Names,
               make: Callable[[type, str], Candidate]) -> Candidates:
    return {
        layer: {name: make(APPROXIMATIONS.get(name), layer)
                for name in some}
        for layer, some in names.items()
    }
