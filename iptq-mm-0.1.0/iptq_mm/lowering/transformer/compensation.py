"""Weights that make up for what rounding has done to the layers before.

A layer of the integer network is not given what the float layer was: all
layers before it are rounded. So weights are rounded in the order of the
network, each layer's after those before it, on two passes over the
calibration images that go side by side: the float network, and one whose
layers so far have their rounded weights. The target is the output of the float
layer; at the end of a residual branch it is the float stream, so that errors
do not pile up there.

Least squares gives the weights that come closest to the target, before they
are rounded (GPTAQ, Li et al., arXiv:2504.02692, has the output of the float
layer as its target, and the same idea).
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from itertools import islice

import torch
from torch import Tensor

from ...calibration import (
    CrossMoments,
    SecondMoments,
    reduce_over_ranks,
)
from ..rounding.rounding import (
    ROUNDINGS,
    Rounded,
    Rounding,
    in_order,
    moments_at,
)
from .description import Description
from .replay import Before, Replay

RIDGE = 5.
"""Weights are drawn to the float ones by so many times the mean variance of
the inputs, for as many inputs as rows were seen: few rows tell little."""

PIXELS = 2**24
"""Of the images that are looked at: every one has its layer's input in
memory, twice."""


class Compensated:
    """``Roundings`` of the layers of a transformer, in the order of its
    forward pass.

    Args:
        rule (str): A name in ``ROUNDINGS``.
        description (Description): Of the float network.
        batches (Iterable[Tensor]): This process's images, as the network
            takes them.
        moments (Mapping[str, SecondMoments]): Of the input of a layer that
            sees the image itself, by module name.
    """

    def __init__(self, rule: str, description: Description,
                 batches: Iterable[Tensor],
                 moments: Mapping[str, SecondMoments]):
        self._rule, self._moments = ROUNDINGS.get(rule), moments
        self._network = deepcopy(description.network)
        rounded = Replay(replace(description, network=self._network))
        exact = Replay(description)
        self._passes = [(_stops(exact, images), _stops(rounded, images))
                        for images in _as_many_as_fit(batches)]

    def __call__(self, layer: str, divisors: Tensor | None = None,
                 columns: Tensor | None = None,
                 gains: Tensor | None = None) -> Rounding:

        def rounding(weight: Tensor, least_scale: Tensor,
                     bits: int) -> Rounded:
            if layer in self._moments:
                seen = moments_at(self._moments[layer], divisors, columns)
                made = self._rule(weight, least_scale, bits, moments=seen)
            else:
                seen, missing = self._look(layer, weight, divisors, columns)
                made = self._towards(missing, weight, least_scale, bits, seen)
            self._change(layer, made, divisors, columns, gains)
            return made

        return rounding

    def _look(self, layer: str, weight: Tensor, divisors: Tensor | None,
              columns: Tensor | None) -> tuple[SecondMoments, CrossMoments]:
        """What the layer is given, and what its output would lack."""
        seen, missing = SecondMoments(), CrossMoments()
        for passes in self._passes:
            exact, rounded = (_next(stops, layer) for stops in passes)
            x, y = (in_order(stop.x.flatten(0, -2).double().cpu(), divisors,
                             columns) for stop in (exact, rounded))
            lacks = (x - y) @ weight.T
            if exact.stream is not None:
                lacks += (exact.stream - rounded.stream
                          ).flatten(0, -2).double().cpu()
            seen.observe(y)
            missing.observe(lacks, y)
        reduce_over_ranks(dict(seen=seen, missing=missing))
        return seen, missing

    def _towards(self, missing: CrossMoments, weight: Tensor,
                 least_scale: Tensor, bits: int,
                 seen: SecondMoments) -> Rounded:
        """Integers of the weights whose output lacks the least."""
        covariance = seen.covariance
        ridge = RIDGE * weight.shape[1] / missing.count
        damped = covariance + ridge * covariance.diagonal().mean().clamp(
            min=torch.finfo(torch.float32).tiny) * torch.eye(
                len(covariance), dtype=torch.float64)
        change = torch.linalg.solve(
            damped, missing.covariance(seen.mean).T).T
        made = self._rule(weight + change, least_scale, bits, moments=seen)
        return made._replace(
            bias=made.bias + missing.mean - change @ seen.mean)

    def _change(self, layer: str, made: Rounded, divisors: Tensor | None,
                columns: Tensor | None, gains: Tensor | None) -> None:
        """Give the second network the rounded weights."""
        weight, bias = made.scale[:, None] * made.integers, made.bias
        if columns is not None:
            weight = weight[:, columns.argsort()]
        if divisors is not None:
            weight = weight / divisors
        if gains is not None:  # of what is multiplied by 0, nothing is left
            gains = gains.masked_fill(gains == 0, float('inf'))
            weight, bias = weight / gains[:, None], bias / gains
        target = self._network.get_submodule(layer)
        with torch.no_grad():
            target.weight.copy_(weight.view_as(target.weight))
            if target.bias is None:
                target.bias = torch.nn.Parameter(
                    torch.zeros_like(target.weight[:, 0]))
            target.bias += bias.to(target.bias)


def _as_many_as_fit(batches: Iterable[Tensor]) -> Iterator[Tensor]:
    """The first one, and as many more as have ``PIXELS`` together."""
    pixels = 0
    for images in batches:
        pixels += images[:, 0].numel()
        if pixels > PIXELS and pixels > images[:, 0].numel():
            return
        yield images


def _stops(replay: Replay, images: Tensor) -> Iterator[Before]:
    return (step for step in replay.steps(images)
            if isinstance(step, Before))


def _next(stops: Iterator[Before], layer: str) -> Before:
    """The stop at a layer.

    Raises:
        RuntimeError: If another one is next.
    """
    for stop in islice(stops, 1):
        if stop.layer == layer:
            return stop
        raise RuntimeError(f'{layer} is rounded where {stop.layer} is next')
    raise RuntimeError(f'{layer} is rounded after the last layer')
