"""What a candidate is: the surface that the rest of the project relies on.

A candidate is one approximation of one non-linear function. It has two
lives. Before lowering it is an object with float coefficients (``fit``,
``ideal``, ``operations``, ``error_bound``). After lowering nothing is left of
it but its registered name and one int64 tensor, ``params``, and its forward
is the pure function ``integer(x, params)``.

The protocols are documentation that a type checker can read; candidates do
not inherit from them. A new candidate is one class in one file, decorated
with ``APPROXIMATIONS.register_module``, and one import in this package.
"""
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor
from typing_extensions import Self


class Candidate(Protocol):
    """Common to all kinds.

    Attributes:
        kind: 'gelu', 'softmax' or 'layernorm'.
        name: The name it is registered under.
        fitted: Whether ``fit`` found coefficients of its own in the samples;
            False means the published ones.
    """
    kind: ClassVar[str]
    name: ClassVar[str]
    fitted: bool

    @classmethod
    def fit(cls, samples: Tensor) -> Self:
        """Fit the coefficients to samples of the layer's input.

        Args:
            samples (Tensor): Float, any shape; LayerNorm: [tokens, channels].

        Returns:
            An instance; the published one where nothing depends on data, or
            where the samples are degenerate.
        """

    def operations(self, row_length: int) -> float:
        """Integer operations per element.

        Every addition, multiplication, shift, comparison, selection, minimum,
        maximum and table look-up counts 1, an integer division 1 as well;
        what happens once a row is divided by ``row_length``.
        """

    @staticmethod
    def params_shape(channels: int) -> tuple[int, ...]:
        """Shape of ``params``; only LayerNorm's depends on ``channels``."""

    @staticmethod
    def integer(x: Tensor, params: Tensor) -> Tensor:
        """The integer forward: integer tensors in, integer tensors out.

        The result carries the output scale, but is neither saturated to its
        width nor stored in it (Softmax: saturated).
        """


@runtime_checkable
class GELU(Candidate, Protocol):
    """int8 or int16 -> int8: x ~ in_scale q, y ~ out_scale q.

    Attributes:
        extra_bits: By how many bits its input is wider, and its scale finer,
            than the other activations.
    """
    extra_bits: ClassVar[int]

    def ideal(self, x: Tensor) -> Tensor:
        """The approximation in floating point, elementwise."""

    def lower(self, in_scale: float, out_scale: float) -> Tensor:
        """``params`` of ``integer``.

        Raises:
            ValueError: If the scales are not positive, or so far apart that
                their ratio has no dyadic form.
        """

    def error_bound(self, in_scale: float, out_scale: float) -> float:
        """Largest |out_scale integer(q) - ideal(in_scale q)|,
        |q| < 2^(7 + extra_bits)."""


@runtime_checkable
class Softmax(Candidate, Protocol):
    """int32 scores, |q| <= 2^24, to probabilities along the last axis.

    Attributes:
        out_dtype: Integer type that holds every output.
        base: What the range reduction leaves a power of: ``exponential(r)``
            approximates ``base ** r``.
        reduced_range: The interval of r, real numbers.
    """
    out_dtype: ClassVar[torch.dtype]
    base: ClassVar[float]
    reduced_range: ClassVar[tuple[float, float]]

    def exponential(self, r: Tensor) -> Tensor:
        """The approximate exponential on its reduced range, floating point."""

    def ideal(self, x: Tensor) -> Tensor:
        """The approximate Softmax over the last axis, in floating point and
        before its result is quantized."""

    def lower(self, in_scale: float, bits: int = 8) -> Tensor:
        """``params`` of ``integer``, for scores x ~ in_scale q.

        Args:
            in_scale (float): Real value of one score step.
            bits (int): Width of the probabilities, 2 to 18 (attention reads 8
                at most); candidates with codes of their own keep those.

        Raises:
            ValueError: If the scale is not positive and finite, or the width
                out of range.
        """

    @staticmethod
    def out_scale(bits: int = 8) -> float:
        """Real value of one output step at a width."""

    @staticmethod
    def codes(x: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """The integer forward inside attention, where a row's division comes
        after its product with the values.

        Returns:
            tuple[Tensor, Tensor]: int64 [..., N], at most 2^15, and int64
            [..., 1], at most 2^30: a probability is
            code_scale code (second / 2^30).
        """

    @staticmethod
    def code_scale(bits: int = 8) -> float:
        """Real value of one step of ``codes`` at a width."""

    def error_bound(self, in_scale: float, row_length: int,
                    bits: int = 8) -> float:
        """Largest |out_scale integer(q) - ideal(in_scale q)|.

        The ideal value is taken to saturate at the largest output,
        1 - 2^-bits.
        """


@runtime_checkable
class LayerNorm(Candidate, Protocol):
    """int16 stream to int8 or int16, normalized along the last axis."""

    def ideal(self, x: Tensor, weight: Tensor, bias: Tensor,
              eps: float) -> Tensor:
        """The approximation in floating point, over the last axis."""

    def lower(self, in_scale: float, out_scale: float, weight: Tensor,
              bias: Tensor, eps: float) -> Tensor:
        """``params`` [rows, C]; scalars are repeated over the channels.

        Raises:
            ValueError: If there are more than 4096 channels, or the scales
                are so small that integers of 64 bits cannot hold the result.
        """

    def error_bound(self, out_scale: float, weight: Tensor,
                    bias: Tensor) -> float:
        """Largest |out_scale integer(q) - ideal(in_scale q)|, |q| <= 32767,
        whatever the input scale."""
