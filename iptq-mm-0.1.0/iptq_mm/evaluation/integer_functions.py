"""Running a float model with some of its functions in integers."""
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..assignment import Layer
from ..functions.base import Candidate


@contextmanager
def integer_functions(model: nn.Module, layers: Mapping[str, Layer],
                      candidates: Mapping[str, Candidate]) -> Iterator[None]:
    """Context in which float modules answer with a candidate's integers.

    Each quantizes its float input at its calibrated scale, runs the
    operator of the integer model and dequantizes; all else stays float. The
    attention mask comes along in the scores, as -100.

    Args:
        model (nn.Module): Float, on any device.
        layers (Mapping[str, Layer]): Non-linear layers at their scales, by
            module name; at least those of ``candidates``.
        candidates (Mapping[str, Candidate]): By module name.
    """
    handles = [
        model.get_submodule(name).register_forward_hook(
            _integer(layers[name], candidate))
        for name, candidate in candidates.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _integer(layer: Layer, candidate: Candidate):

    def hook(module: nn.Module, args: tuple[Tensor], output: Tensor) -> Tensor:
        # The parameters of a layer and a candidate are on the CPU.
        return layer.integer(args[0].cpu(), candidate).to(output)

    return hook


class OutputSQNR:
    """SQNR of a float backbone's outputs while something in it is replaced.

    Args:
        backbone (nn.Module): Float, as it is, in evaluation mode.
        images (Sequence[Tensor]): Batches [B, C, H, W], held in memory with
            the outputs for them.
    """

    @torch.no_grad()
    def __init__(self, backbone: nn.Module, images: Sequence[Tensor]):
        self.backbone, self.images = backbone, images
        self._outputs = [backbone(x) for x in images]

    @torch.no_grad()
    def __call__(self) -> float:
        """-10 log10 of the noise-to-signal ratio sum (y - y^)^2 / sum y^2
        over all images, the mean of the backbone's outputs, in dB.

        A mean of decibels would be infinite for a change that only later
        outputs see. inf where nothing has changed.
        """
        signal = noise = 0
        for x, outputs in zip(self.images, self._outputs):
            changed = self.backbone(x)
            signal = signal + _energies(outputs)
            noise = noise + _energies(
                [y - z for y, z in zip(outputs, changed)])
        return -10 * (noise / signal).mean().log10().item()


def _energies(outputs: Sequence[Tensor]) -> Tensor:
    """Sum of squares of each; float64 [outputs]."""
    return torch.stack([y.double().square().sum() for y in outputs])
