"""How close an integer backbone stays to its float original."""
from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_PARTS = re.compile(r'patch_embed|blocks\.\d+|'
                    r'(stages|layers)\.\d+\.(blocks\.\d+|downsample)')
"""Modules whose output is the residual stream, in both models."""


class _Sums:
    """Sums over all elements, from which either SQNR follows."""

    def __init__(self):
        self.yy = self.yq = self.qq = 0.

    def add(self, y: Tensor, q: Tensor) -> None:
        y, q = y.double().flatten(), q.double().flatten()
        self.yy += (y @ y).item()
        self.yq += (y @ q).item()
        self.qq += (q @ q).item()

    def of_values(self) -> float:
        """dB, with q in the unit of y."""
        return _decibel(self.yy, self.yy - 2 * self.yq + self.qq)

    def of_codes(self) -> float:
        """dB, with q in the unit that suits it best (least squares)."""
        explained = self.yq**2 / self.qq if self.qq else 0.
        return _decibel(self.yy, self.yy - explained)


def _decibel(signal: float, noise: float) -> float:
    if noise <= 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


@torch.no_grad()
def backbone_sqnr(float_backbone: nn.Module, int_backbone: nn.Module,
                  images: Iterable[Tensor]) -> dict[str, float]:
    """SQNR = 10 log10(E[y^2] / E[(y - q)^2]) of the residual stream after
    each block, and of every output.

    A stage's scale is folded into its multipliers and stored nowhere, so the
    integers inside the body are compared up to their scale, by the scale of
    least squared error. The outputs are compared as they are.

    Args:
        float_backbone (nn.Module): y; stock, in evaluation mode.
        int_backbone (nn.Module): q; its integer region is ``body``.
        images (Iterable[Tensor]): Batches [B, C, H, W] as the backbones take
            them.

    Returns:
        dict[str, float]: dB by module name, in the order of the forward
        pass, then ``out0``, ``out1``, ...; inf where there is no error.
    """
    parts = [
        name for name, _ in float_backbone.named_modules()
        if _PARTS.fullmatch(name)
    ]
    sums = {}
    for batch in images:
        outputs, stream = _watch(float_backbone, parts, batch)
        int_outputs, int_stream = _watch(int_backbone.body, parts, batch,
                                         int_backbone)
        for name, y in stream.items():
            sums.setdefault(name, _Sums()).add(y, int_stream[name])
        for i, (y, q) in enumerate(zip(outputs, int_outputs)):
            sums.setdefault(f'out{i}', _Sums()).add(y, q)
    return {
        name: total.of_values() if name not in parts else total.of_codes()
        for name, total in sums.items()
    }


def _watch(owner: nn.Module,
           parts: Iterable[str],
           batch: Tensor,
           model: Callable | None = None) -> tuple[Any, dict[str, Tensor]]:
    """Outputs of a model, and what its parts put out on the way."""
    stream = {}

    def keep(name: str):

        def hook(module, args, output):
            stream[name] = output[0] if isinstance(output, tuple) else output

        return hook

    handles = [
        owner.get_submodule(name).register_forward_hook(keep(name))
        for name in parts
    ]
    try:
        outputs = (model or owner)(batch)
    finally:
        for handle in handles:
            handle.remove()
    # A classifier gives one tensor, a backbone several.
    return [outputs] if isinstance(outputs, Tensor) else outputs, stream
