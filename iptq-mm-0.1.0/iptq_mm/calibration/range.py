"""Exact signed range of everything a site has seen."""
import torch
from torch import Tensor

from ..compat import aminmax


class Range:
    """Smallest and largest value observed.

    ``low`` and ``high`` are Python floats; before anything was observed they
    are +inf and -inf, the neutral elements of the merge.
    """

    def __init__(self) -> None:
        self.low, self.high = float('inf'), float('-inf')

    @property
    def magnitude(self) -> float:
        """Largest absolute value observed.

        Raises:
            RuntimeError: If nothing has been observed.
        """
        if self.low > self.high:
            raise RuntimeError('no value has been observed: calibrate before '
                               'asking for a range')
        return max(-self.low, self.high)

    def observe(self, x: Tensor) -> None:
        """Widen the range by a float tensor of any shape; an empty tensor
        changes nothing.

        Raises:
            FloatingPointError: If ``x`` holds NaN or Inf. The range is then
                unchanged.
        """
        if x.numel() == 0:
            return
        low, high = aminmax(x).tolist()
        # aminmax hands a NaN on, and a NaN fails any comparison.
        if not (low > float('-inf') and high < float('inf')):
            raise FloatingPointError('NaN or Inf')
        self.low, self.high = min(self.low, low), max(self.high, high)

    def merge(self, other: 'Range') -> None:
        """Widen by what ``other`` has seen; exact, in any order."""
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)

    def state_dict(self) -> dict[str, Tensor]:
        """``range``: float64 [2], low and high."""
        return dict(range=torch.tensor([self.low, self.high],
                                       dtype=torch.float64))

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Replace the range by a saved one."""
        self.low, self.high = state['range'].tolist()
