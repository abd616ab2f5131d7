"""The integer part of a model that becomes a file, and its borders."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Union

from torch import Tensor, nn

from ..engine.errors import UserError
from ..environment import has_mmdet
from ..models.networks import integer_networks
from ..nn import Pixels
from .port import Port, image_port, noise

if has_mmdet():
    from .detector import DetectorRegion

FREE_SIDE = 45
"""Side of the traced image where the size is free: a multiple of nothing
that matters, so that whatever can be padded is."""


@dataclass(frozen=True)
class NetworkRegion:
    """A classifier or a backbone.

    Args:
        name (str): In the model; ``backbone`` for a network on its own.
        modules (dict[str, nn.Module]): What is run one after the other, by
            what the names of their nodes begin with.
        inputs (tuple[Port, ...]): What it takes: an image.
        outputs (tuple[Port, ...]): What it gives.
        free (str): Axes whose lengths can be left open.
        size (tuple[int, int] | None): Of the image, if it is fixed.
        channels (int): Of the image.
    """
    name: str
    modules: dict[str, nn.Module]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    free: str
    size: tuple[int, int] | None
    channels: int

    always_free = ''
    """Axes whose lengths depend on the image."""

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Integers in, integers out."""
        for module in self.modules.values():
            result = module(*inputs)
            inputs = result if isinstance(result, tuple) else (result, )
        return inputs

    def example(self, size: tuple[int, int] | None) -> tuple[Tensor, ...]:
        """Seeded inputs of the region's kind.

        Args:
            size (tuple[int, int] | None): Of the image.
        """
        size = size or self.size or (FREE_SIDE, FREE_SIDE)
        return (noise(self.inputs[0], self.channels, size), )

    def watch(self, see: Callable) -> Callable[[], None]:
        """Show every call: ``see(inputs, outputs)``, tuples of integer
        tensors.

        Returns:
            Callable: Ends it.
        """
        inputs = []
        modules = list(self.modules.values())
        handles = [
            modules[0].register_forward_pre_hook(
                lambda _, args: inputs.append(args)),
            modules[-1].register_forward_hook(lambda _, __, result: see(
                inputs.pop(),
                result if isinstance(result, tuple) else (result, )))
        ]

        def end() -> None:
            for handle in handles:
                handle.remove()

        return end


Region = Union[NetworkRegion, 'DetectorRegion']


def region_of(model: nn.Module) -> Region:
    """What of a model becomes a file: a classifier, a whole detector, or the
    backbone of one whose rest is float.

    Args:
        model (nn.Module): As ``iptq_mm.load`` gives it, or an integer
            network.

    Raises:
        UserError: If it has no integer part, or is empty.
    """
    try:
        if hasattr(model, 'integer_program'):
            return DetectorRegion.of(model)
        for name, network in integer_networks(model):
            return _network(name or 'backbone', network)
    except RuntimeError as error:  # a scale of 0
        raise UserError(str(error)) from error
    raise UserError(f'{type(model).__name__} has no integer part to export: '
                    f'make one with tools/ptq.py.')


def _network(name: str, owner: nn.Module) -> NetworkRegion:
    projection = owner.body.patch_embed
    channels = projection.projection.weight.shape[1] // projection.patch**2
    modules = {'': owner.body}
    if isinstance(owner.quantize, Pixels):
        modules = {'pixels': owner.quantize, **modules}
    structure = getattr(owner, 'structure', None)
    outputs = (Port('logits', owner.dequantize.scale.item(), 'NC'),
               ) if structure is not None else tuple(
                   Port(f'feature{i}', border.scale.item(), 'NHWC')
                   for i, border in enumerate(owner.dequantize))
    size = structure and tuple(structure.img_size)
    return NetworkRegion(name, modules, (image_port(owner.quantize), ),
                         outputs, 'N' if size else 'NHW', size, channels)
