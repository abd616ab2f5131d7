"""Stage 1: how well each candidate serves one layer."""
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..functions.base import Candidate
from .layers import Layer
from .normalization import Measures, normalization
from .unified_metric import omega, perturbation, sqnr_db


@dataclass(frozen=True)
class Score:
    """Q, P and C of a candidate as measured, and the Omega they give.

    Args:
        Q (float): SQNR in dB.
        P (float): Mean squared error.
        C (float): Integer operations per element.
        omega (float): Unified Metric among the layer's candidates.
    """
    Q: float
    P: float
    C: float
    omega: float


@torch.no_grad()
def measure(layer: Layer, sample: Tensor, candidate: Candidate) -> Measures:
    """Q, P and C of one candidate in one layer.

    Args:
        layer (Layer): The exact function and the scales.
        sample (Tensor): Captured float input [T, L], rows whole.
        candidate (Candidate): Of the layer's kind.
    """
    y, y_hat = layer.exact(sample), layer.integer(sample, candidate)
    return Measures(
        sqnr_db(y, y_hat), perturbation(y, y_hat),
        candidate.operations(sample.shape[-1]))


def score_layer(layer: Layer, sample: Tensor,
                candidates: Mapping[str, Candidate],
                reading: str) -> dict[str, Score]:
    """Score all candidates of one layer.

    Args:
        layer (Layer): The exact function and the scales.
        sample (Tensor): Captured float input [T, L], rows whole.
        candidates (Mapping[str, Candidate]): By name, all of the layer's
            kind, at least one.
        reading (str): Name of the normalization.

    Returns:
        dict[str, Score]: By name.
    """
    measures = [measure(layer, sample, c) for c in candidates.values()]
    normalized = normalization(reading)(measures)
    return {
        name: Score(*plain, omega(*scaled))
        for name, plain, scaled in zip(candidates, measures, normalized)
    }


def choose(scores: Mapping[str, Score]) -> str:
    """Stage 2: the candidate of largest Omega; of equal ones the cheaper,
    then the first by name.

    Omega is compared to 12 digits, so that the order of a sum decides
    nothing.
    """
    return min(
        scores,
        key=lambda name:
        (-round(scores[name].omega, 12), scores[name].C, name))
