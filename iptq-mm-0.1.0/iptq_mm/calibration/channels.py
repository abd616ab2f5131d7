"""Range of each channel of a tensor, over many batches."""
import torch
from torch import Tensor

from ..compat import aminmax


class ChannelRange:
    """Smallest and largest value in each channel (last axis)."""

    def __init__(self) -> None:
        self._ends = None

    @property
    def high(self) -> Tensor:
        """Largest values, float32 [C] on the CPU.

        Raises:
            RuntimeError: If nothing was observed.
        """
        return self._observed()[1]

    @property
    def middle(self) -> Tensor:
        """Half way between the smallest and the largest, likewise."""
        low, high = self._observed()
        return low / 2 + high / 2

    @property
    def largest(self) -> Tensor:
        """Largest magnitudes, likewise."""
        return self._observed().abs().amax(0)

    def observe(self, x: Tensor) -> None:
        """See a float tensor [..., C]; an empty one changes nothing.

        Raises:
            FloatingPointError: If ``x`` holds NaN or Inf. Nothing is changed
                then.
        """
        if x.numel() == 0:
            return
        ends = aminmax(x.flatten(0, -2), dim=0).float().cpu()
        if not ends.isfinite().all():
            raise FloatingPointError('NaN or Inf')
        self._widen(ends)

    def shifted(self, by: Tensor) -> 'ChannelRange':
        """What x + by would have given; ``by`` is float [C]."""
        result = ChannelRange()
        result._widen(self._observed() + by)
        return result

    def _observed(self) -> Tensor:
        if self._ends is None:
            raise RuntimeError('no value has been observed: calibrate before '
                               'asking for ranges')
        return self._ends

    def _widen(self, ends: Tensor) -> None:
        if self._ends is not None:
            ends = torch.stack([torch.minimum(self._ends[0], ends[0]),
                                torch.maximum(self._ends[1], ends[1])])
        self._ends = ends

    def merge(self, other: 'ChannelRange') -> None:
        """Widen by what ``other`` has seen; exact, in any order."""
        if other._ends is not None:
            self._widen(other._ends)

    def state_dict(self) -> dict[str, Tensor]:
        """``ends``: float32 [2, C]; nothing if nothing was observed."""
        return {} if self._ends is None else dict(ends=self._ends)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Replace the ranges by saved ones."""
        self._ends = state.get('ends')
