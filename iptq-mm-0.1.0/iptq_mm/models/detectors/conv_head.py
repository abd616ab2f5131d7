"""Heads of convolutions and linear layers: a trunk that branches.

The RPN head, the box head and the mask head of the R-CNN family have this
one form, which a :class:`HeadPlan` states. From the plan the integer layers
are built, and by it they are filled from the float ones.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmcv.cnn.bricks import wrappers
from torch import Tensor, nn

from ...nn import IntConv2d, IntConvTranspose2d
from .part import IntPart
from .swin_backbone import DEFAULT_BITS

_CONVOLUTIONS = (nn.Conv2d, wrappers.Conv2d)
_TRANSPOSED = (nn.ConvTranspose2d, wrappers.ConvTranspose2d)


class HeadLayer(NamedTuple):
    """A layer of a float head.

    Args:
        name (str): Dotted name of its module: ``nn.Conv2d``,
            ``nn.ConvTranspose2d`` or ``nn.Linear``.
        relu (bool): Whether ReLU follows.
        side (int): For a linear layer, side of the feature map that it
            takes, flattened (channel, row, column).
    """
    name: str
    relu: bool
    side: int = 1


class HeadPlan(NamedTuple):
    """The layers of a float head, in the order of its forward pass.

    Args:
        trunk (list[HeadLayer]): What all branches share; may be empty.
        branches (list[list[HeadLayer]]): None is empty; each gives one
            output.
    """
    trunk: list[HeadLayer]
    branches: list[list[HeadLayer]]

    def layers(self) -> list[HeadLayer]:
        """All of them."""
        return sum(self.branches, self.trunk)


class IntConvHead(nn.Module):
    """The integer region of a head.

    int8 [B, H, W, C] -> one integer tensor [B, H', W', N] of each branch.

    Args:
        trunk (Sequence[nn.Module]): What all branches share.
        branches (Sequence[Sequence[nn.Module]]): What follows it.
    """

    integer_region = True

    def __init__(self, trunk: Sequence[nn.Module],
                 branches: Sequence[Sequence[nn.Module]]):
        super().__init__()
        self.trunk = nn.Sequential(*trunk)
        self.branches = nn.ModuleList(
            nn.Sequential(*branch) for branch in branches)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.trunk(x)
        return tuple(branch(x) for branch in self.branches)


def conv_module_layer(head: nn.Module, name: str) -> HeadLayer:
    """The convolution of mmcv's ``ConvModule``, and its ReLU.

    Raises:
        TypeError: If it normalizes, or activates or pads in any other way.
    """
    module = head.get_submodule(name)
    relu = module.with_activation and type(module.activate) is nn.ReLU
    if (module.with_norm or module.with_explicit_padding
            or module.with_activation != relu):
        raise TypeError(f'{type(head).__name__} whose {name} is {module}; '
                        f'only a convolution with no norm but BatchNorm '
                        f'(fold_norms), with or without ReLU, has an '
                        f'integer form')
    return HeadLayer(f'{name}.conv', relu)


def _integer_layer(head: nn.Module, layer: HeadLayer,
                   bits: int) -> IntConv2d | IntConvTranspose2d:
    """The empty integer form of a float layer, whose result has the width
    ``bits``.

    Raises:
        TypeError: If it has no integer form.
    """
    source = head.get_submodule(layer.name)
    if type(source) is nn.Linear:
        channels = source.in_features // layer.side**2
        return IntConv2d(channels, source.out_features, layer.side, 1, 0,
                         layer.relu, bits)
    if type(source) in _CONVOLUTIONS and _is_plain(source):
        return IntConv2d(source.in_channels, source.out_channels,
                         source.kernel_size[0], source.stride[0],
                         source.padding[0], layer.relu, bits)
    if (type(source) in _TRANSPOSED and _is_plain(source)
            and source.kernel_size == source.stride
            and source.padding == (0, 0)):
        return IntConvTranspose2d(source.in_channels, source.out_channels,
                                  source.stride[0], layer.relu, bits)
    raise TypeError(f'{type(head).__name__} whose {layer.name} is {source}, '
                    f'which has no integer form')


def _is_plain(conv: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    squares = (conv.kernel_size, conv.stride, conv.padding)
    return (conv.groups == 1 and conv.dilation == (1, 1)
            and conv.padding_mode == 'zeros'
            and not any(conv.output_padding)
            and all(len(set(square)) == 1 for square in squares))


def integer_head(head: nn.Module, plan: HeadPlan,
                 bits: Mapping[str, int]) -> IntPart:
    """The empty integer layers of a float head.

    Args:
        head (nn.Module): Float.
        plan (HeadPlan): Its layers.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``: between
            two layers ``activation``, of the outputs ``output``.

    Raises:
        TypeError: If a layer has no integer form.
    """

    def layers(places: list[HeadLayer], width: int) -> list[nn.Module]:
        widths = [bits['activation']] * (len(places) - 1) + [width]
        return [
            _integer_layer(head, place, width)
            for place, width in zip(places, widths)
        ]

    body = IntConvHead(
        layers(plan.trunk, bits['activation']),
        [layers(branch, bits['output']) for branch in plan.branches])
    return IntPart(body, 1, len(plan.branches), bits['activation'])


def take_layers(head: nn.Module, plan: HeadPlan,
                bits: Mapping[str, int] | None) -> IntPart:
    """Take the float layers out of a head.

    Args:
        head (nn.Module): Float.
        plan (HeadPlan): Its layers.
        bits (Mapping[str, int], optional): Widths that are not the default.

    Returns:
        IntPart: Their integer form, empty.

    Raises:
        TypeError: If a layer has no integer form.
    """
    layers = integer_head(head, plan, {**DEFAULT_BITS, **(bits or {})})
    for name in {layer.name.partition('.')[0] for layer in plan.layers()}:
        delattr(head, name)
    return layers
