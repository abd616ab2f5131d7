"""The integer parts of a model, each with its borders."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..engine.errors import UserError
from ..nn import IntConv2d, Pixels

FREE_SIDE = 45
"""Side of the traced image where the size is free: a multiple of nothing
that matters, so that whatever can be padded is."""


@dataclass(frozen=True)
class Port:
    """An input or output of an integer part.

    Args:
        name (str): In the file.
        scale (float): Real value of one step.
        layout (str): Its axes, e.g. ``'NHWC'``.
    """
    name: str
    scale: float
    layout: str


@dataclass(frozen=True)
class Region:
    """A part of a model that knows integers only.

    Args:
        name (str): ``backbone`` (also of a classifier), ``neck``,
            ``rpn_head``, ``roi_head.bbox_head`` and so on.
        modules (dict[str, nn.Module]): What is run one after the other, by
            what the names of their nodes begin with.
        inputs (tuple[Port, ...]): What it takes.
        outputs (tuple[Port, ...]): What it gives.
        image (bool): Whether its input is an image.
        size (tuple[int, int] | None): Of the image, if it is fixed.
        channels (tuple[int, ...]): Of the inputs.
    """
    name: str
    modules: dict[str, nn.Module]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    image: bool
    size: tuple[int, int] | None
    channels: tuple[int, ...]

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Integers in, integers out."""
        for module in self.modules.values():
            result = module(*inputs)
            inputs = result if isinstance(result, tuple) else (result, )
        return inputs

    @property
    def first(self) -> nn.Module:
        """What takes the inputs."""
        return next(iter(self.modules.values()))

    @property
    def last(self) -> nn.Module:
        """What gives the outputs."""
        return next(reversed(self.modules.values()))

    def example(self, size: tuple[int, int] | None) -> tuple[Tensor, ...]:
        """Seeded inputs of the region's kind.

        Args:
            size (tuple[int, int] | None): Of the image.
        """
        generator = torch.Generator().manual_seed(0)
        dtype = torch.uint8 if isinstance(self.first, Pixels) else torch.int8
        info = torch.iinfo(dtype)
        height, width = size or self.size or (FREE_SIDE, FREE_SIDE)
        shapes = [(1, channels, height, width) for channels in self.channels
                  ] if self.image else self._feature_shapes()
        return tuple(
            torch.randint(info.min + 1, info.max + 1, shape, dtype=dtype,
                          generator=generator) for shape in shapes)

    def _feature_shapes(self) -> list[tuple[int, ...]]:
        side = max(8, *(layer.kernel for layer in self.first.modules()
                        if isinstance(layer, IntConv2d)))
        sides = [side << i for i in reversed(range(len(self.channels)))]
        return [(2, side, side, channels)
                for side, channels in zip(sides, self.channels)]


def regions_of(model: nn.Module) -> list[Region]:
    """Every integer part of a model, in the order of its modules.

    Args:
        model (nn.Module): As ``iptq_mm.load`` gives it, or an integer
            network.

    Raises:
        UserError: If it has none, or is empty.
    """
    found = [
        _region(name, module) for name, module in model.named_modules()
        if getattr(getattr(module, 'body', None), 'integer_region', False)
    ]
    if not found:
        raise UserError(f'{type(model).__name__} has no integer part to '
                        f'export: make one with tools/ptq.py.')
    return found


def _region(name: str, owner: nn.Module) -> Region:
    try:
        if isinstance(owner.quantize, nn.ModuleList):
            return _part(name.removesuffix('.layers'), owner)
        return _network(name or 'backbone', owner)
    except RuntimeError as error:  # a scale of 0
        raise UserError(str(error)) from error


def _network(name: str, owner: nn.Module) -> Region:
    """A backbone or classifier: an image in."""
    projection = owner.body.patch_embed
    channels = (projection.projection.weight.shape[1] //
                projection.patch**2, )
    modules, entry = {'': owner.body}, None
    if isinstance(owner.quantize, Pixels):
        modules = {'pixels': owner.quantize, **modules}
        entry = Port('pixels', 1., 'NCHW')
    else:
        entry = Port('image', owner.quantize.scale.item(), 'NCHW')
    structure = getattr(owner, 'structure', None)
    if structure is not None:
        outputs = (Port('logits', owner.dequantize.scale.item(), 'NC'), )
    else:
        outputs = _features('feature', owner.dequantize)
    return Region(name, modules, (entry, ), outputs, True,
                  structure and tuple(structure.img_size), channels)


def _part(name: str, owner: nn.Module) -> Region:
    """Neck or head: feature maps in."""
    body = owner.body
    first = (body.laterals if hasattr(body, 'laterals') else
             [next(m for m in body.modules() if isinstance(m, IntConv2d))])
    return Region(
        name, {'': body}, _features('input', owner.quantize),
        _features('output', owner.dequantize), False, None,
        tuple(conv.weight.shape[1] // conv.kernel**2 for conv in first))


def _features(stem: str, borders: nn.ModuleList) -> tuple[Port, ...]:
    return tuple(
        Port(f'{stem}{i}', border.scale.item(), 'NHWC')
        for i, border in enumerate(borders))


def watch(region: Region, see: Callable) -> Callable[[], None]:
    """Show every call of a region: ``see(inputs, outputs)``, tuples of
    integer tensors.

    Returns:
        Callable: Ends it.
    """
    inputs = []
    handles = [
        region.first.register_forward_pre_hook(
            lambda _, args: inputs.append(args)),
        region.last.register_forward_hook(lambda _, __, result: see(
            inputs.pop(),
            result if isinstance(result, tuple) else (result, )))
    ]

    def end() -> None:
        for handle in handles:
            handle.remove()

    return end
