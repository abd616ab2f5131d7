"""What a GELU layer receives, and what its candidates make of it."""
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ..assignment import GELULayer, Layer
from ..assignment.unified_metric import sqnr_db
from ..functions.base import Candidate
from .integer_functions import OutputSQNR, integer_functions

FLOAT = 'float'
"""Name of the exact function among the outputs."""


@dataclass(frozen=True)
class Statistics:
    """Of one output; in its unit, where nothing else is said.

    Args:
        mean, std, min, max (float): Of the values.
        bias (float): Mean of approximate minus exact.
        rms (float): Root mean squared error.
        linf (float): Largest error.
        sqnr_db (float): 10 log10(E[y^2] / E[e^2]) in dB; 120 without error.
    """
    mean: float
    std: float
    min: float
    max: float
    bias: float
    rms: float
    linf: float
    sqnr_db: float


@dataclass(frozen=True)
class Activations:
    """Sampled input of one GELU layer and the outputs for it.

    Args:
        layer (str): Module name.
        in_scale (float): Of the 8-bit input.
        out_scale (float): Of the 8-bit output.
        x (Tensor): Input, float [T, L].
        outputs (Mapping[str, Tensor]): ``float`` and the candidates by name,
            each like ``x``.
    """
    layer: str
    in_scale: float
    out_scale: float
    x: Tensor
    outputs: Mapping[str, Tensor]

    def statistics(self, name: str) -> Statistics:
        """Of the output of that name, errors against the float one."""
        exact, y = self.outputs[FLOAT].double(), self.outputs[name].double()
        error = y - exact
        return Statistics(
            y.mean().item(), y.std().item(), y.min().item(), y.max().item(),
            error.mean().item(), error.square().mean().sqrt().item(),
            error.abs().max().item(), sqnr_db(exact, y))


def activations(name: str, layer: GELULayer, sample: Tensor,
                candidates: Mapping[str, Candidate]) -> Activations:
    """Run the exact function and some candidates on a layer's input.

    Args:
        name (str): Of the layer.
        layer (GELULayer): At its scales.
        sample (Tensor): Its captured input, float [T, L].
        candidates (Mapping[str, Candidate]): By name.
    """
    outputs = {FLOAT: layer.exact(sample)}
    for key, candidate in candidates.items():
        outputs[key] = layer.integer(sample, candidate)
    return Activations(name, layer.in_scale, layer.out_scale, sample, outputs)


def layer_sensitivity(sqnr: OutputSQNR, layers: Mapping[str, Layer],
                      candidates: Mapping[str, Candidate]) -> dict[str, float]:
    """SQNR of the backbone's outputs with a candidate in one layer alone.

    Args:
        sqnr (OutputSQNR): Of the float backbone.
        layers (Mapping[str, Layer]): At their scales, by module name.
        candidates (Mapping[str, Candidate]): By module name.

    Returns:
        dict[str, float]: dB by layer; the lower, the more sensitive.
    """
    result = {}
    for name, candidate in candidates.items():
        with integer_functions(sqnr.backbone, layers, {name: candidate}):
            result[name] = sqnr()
    return result
