"""What every lowering offers, and which one a float module gets.

A lowering is bound to one float module and its widths. It says where
calibration must look (``sites``), which non-linear layers there are, how
stage 1 sees them, and makes the integer module. It never changes the float
one.
"""
from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import Protocol

from torch import Tensor, nn

from ..assignment import Layer
from ..calibration import SecondMoments, Site
from ..functions.base import Candidate
from .rounding.rounding import Roundings
from .transformer.block import BlockNames

OWN = __name__.partition('.')[0]
"""Our float modules are made of others': nobody needs to be told of them."""


class Lowering(Protocol):
    """Float module -> integer module."""

    def sites(self) -> dict[str, Site]:
        """Tensors whose range calibration must observe, by name; modules are
        named as in the float module."""

    def nonlinear_layers(self) -> dict[str, str]:
        """Kind (``gelu``, ``softmax``, ``layernorm``) of every non-linear
        layer by its module name, in the order of the forward pass."""

    def linears(self) -> dict[str, Site]:
        """Where the input of each layer with weights is seen, [..., K] in the
        order of its float weights, by the layer's module name."""

    def readers(self) -> dict[str, str]:
        """The linear layer that alone reads the output of a LayerNorm, by
        the LayerNorm's module name; LayerNorms with other readers, such as an
        output of the module, are left out."""

    def blocks(self) -> list[BlockNames]:
        """Module names inside every transformer block."""

    def compensated(self, rule: str, batches: Iterable[Tensor],
                    moments: Mapping[str, SecondMoments]) -> Roundings:
        """Roundings by a rule that make up for those of the layers before;
        for one call of :meth:`lower`.

        Args:
            rule (str): A name in ``ROUNDINGS``.
            batches (Iterable[Tensor]): Images as the module takes them.
            moments (Mapping[str, SecondMoments]): Of :meth:`linears`.
        """

    def layers(self, thresholds: Mapping[str, float]) -> dict[str, Layer]:
        """The non-linear layers as stage 1 sees them.

        Args:
            thresholds (Mapping[str, float]): Of every site.
        """

    def lower(self, thresholds: Mapping[str, float],
              functions: Mapping[str, Candidate],
              roundings: Roundings) -> nn.Module:
        """The integer module, in evaluation mode, on the CPU.

        Args:
            thresholds (Mapping[str, float]): Of every site.
            functions (Mapping[str, Candidate]): Of every non-linear layer.
            roundings (Roundings): Of the layers with weights.

        Raises:
            ValueError: If integers cannot hold what they must.
        """


@singledispatch
def lowering_of(module: nn.Module, bits: Mapping[str, int]) -> Lowering:
    """The lowering of a float module.

    Args:
        module (nn.Module): Float, stock, in evaluation mode.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Raises:
        TypeError: If the module has no integer form.
    """
    known = ', '.join(
        sorted(f'{cls.__module__.split(".")[0]}\'s {cls.__name__}'
               for cls in lowering_of.registry
               if cls is not object and not cls.__module__.startswith(OWN)))
    raise TypeError(f'{type(module).__name__}, which has no integer form; '
                    f'what has one: {known}')
