"""Largest magnitude of each channel of a tensor, over many batches."""
import torch
from torch import Tensor


class ChannelRange:
    """Largest |x| in each channel (last axis)."""

    def __init__(self) -> None:
        self._largest = None

    @property
    def largest(self) -> Tensor:
        """float32 [C] on the CPU.

        Raises:
            RuntimeError: If nothing was observed.
        """
        if self._largest is None:
            raise RuntimeError('no value has been observed: calibrate before '
                               'asking for ranges')
        return self._largest

    def observe(self, x: Tensor) -> None:
        """See a float tensor [..., C]; an empty one changes nothing.

        Raises:
            FloatingPointError: If ``x`` holds NaN or Inf. Nothing is changed
                then.
        """
        if x.numel() == 0:
            return
        largest = x.abs().flatten(0, -2).amax(0).float().cpu()
        if not largest.isfinite().all():
            raise FloatingPointError('NaN or Inf')
        self._largest = largest if self._largest is None else torch.maximum(
            self._largest, largest)

    def merge(self, other: 'ChannelRange') -> None:
        """Widen by what ``other`` has seen; exact, in any order."""
        if other._largest is not None:
            self.observe(other._largest[None])

    def state_dict(self) -> dict[str, Tensor]:
        """``largest``: float32 [C]; nothing if nothing was observed."""
        return {} if self._largest is None else dict(largest=self._largest)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Replace the ranges by saved ones."""
        self._largest = state.get('largest')
