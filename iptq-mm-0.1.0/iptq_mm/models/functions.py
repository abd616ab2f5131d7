"""Which candidate each non-linear layer of an integer model gets."""
from __future__ import annotations

from collections.abc import Mapping

from .detectors.swin_backbone import DEFAULT_FUNCTIONS


class ChosenFunctions:
    """Candidates by layer, or by kind where a layer has none of its own.

    Args:
        functions (Mapping[str, str] | None): Candidate by module name of the
            float network, or by kind.
    """

    def __init__(self, functions: Mapping[str, str] | None):
        self._functions = {**DEFAULT_FUNCTIONS, **(functions or {})}

    def __call__(self, layer: str, kind: str) -> str:
        """The candidate of a layer."""
        return self._functions.get(layer, self._functions[kind])

    def block(self, block: str) -> dict[str, str]:
        """Those of a block of timm, by their role in ``IntBlock``."""
        return dict(
            norm1=self(f'{block}.norm1', 'layernorm'),
            softmax=self(f'{block}.attn.softmax', 'softmax'),
            norm2=self(f'{block}.norm2', 'layernorm'),
            gelu=self(f'{block}.mlp.act', 'gelu'))
