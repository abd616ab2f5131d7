"""Stages 1 and 2: score every candidate of every layer, take the best."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from torch import Tensor

from ..functions.base import Candidate
from .layers import Layer
from .score import Score, choose, score_layer


@dataclass(frozen=True)
class Choice:
    """What stages 1 and 2 found for one layer.

    Args:
        kind (str): ``gelu``, ``softmax`` or ``layernorm``.
        assigned (Candidate): The instance to lower.
        scores (Mapping[str, Score]): Of every candidate that competed.
        fitted (tuple[str, ...]): Names of the candidates that took
            coefficients from this model's data. A data-aware one that is
            missing fell back to the published ones.
    """
    kind: str
    assigned: Candidate
    scores: Mapping[str, Score]
    fitted: tuple[str, ...]

    def report(self, layer: str) -> dict:
        """Entry of ``ptq_report.json``: ``name, kind, assigned, fitted,
        candidates {NAME: {Q, P, C, omega}}``."""
        return dict(
            name=layer,
            kind=self.kind,
            assigned=self.assigned.name,
            fitted=list(self.fitted),
            candidates={name: asdict(s) for name, s in self.scores.items()})


def assign(layers: Mapping[str, Layer],
           samples: Mapping[str, Tensor],
           candidates: Mapping[str, Mapping[str, Candidate]],
           normalization: str,
           progress: Callable[[int, int], None] | None = None
           ) -> dict[str, Choice]:
    """Choose a candidate for every layer.

    Args:
        layers (Mapping[str, Layer]): Exact function and scales, by layer.
        samples (Mapping[str, Tensor]): Captured float input [T, L], by layer.
        candidates (Mapping[str, Mapping[str, Candidate]]): Competitors by
            layer and name, at least one each.
        normalization (str): Name in ``NORMALIZATIONS``.
        progress (Callable | None): Called after each layer with the number
            done and the number of layers.

    Returns:
        dict[str, Choice]: By layer, in the order of ``layers``.
    """
    choices = {}
    for done, (name, layer) in enumerate(layers.items(), 1):
        competing = candidates[name]
        scores = score_layer(layer, samples[name], competing, normalization)
        choices[name] = Choice(
            kind=layer.kind,
            assigned=competing[choose(scores)],
            scores=scores,
            fitted=tuple(n for n, c in competing.items() if c.fitted))
        if progress is not None:
            progress(done, len(layers))
    return choices
