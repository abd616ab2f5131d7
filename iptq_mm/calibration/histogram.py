"""A histogram of magnitudes that can be merged exactly.

The bin of a value is the upper half of its float32 bit pattern without the
sign: 8 bits of exponent and 7 of mantissa. So the bins are fixed before any
value is seen (nothing grows or is re-binned), each is 2^-8 to 2^-7 of its
values wide, near zero as well as at the largest outlier, and counting is one
shift, one mask and one ``bincount``. Two histograms merge by adding counts,
exactly and in any order, which is what makes the ranges of several processes
equal to those of one.
"""
import torch
from torch import Tensor

from .range import Range

NUM_BINS = 2**15
_SHIFT = 16


def bin_edges(bins: Tensor) -> tuple[Tensor, Tensor]:
    """Ends of bins: values v with lower <= v < upper.

    Args:
        bins (Tensor): Bin numbers, integer [B], below the bin of infinity,
            255 * 128. The upper end of the last of them is infinity.

    Returns:
        tuple[Tensor, Tensor]: Lower and upper ends, float64 [B].
    """
    bits = torch.stack([bins, bins + 1]).to(torch.int32) << _SHIFT
    lower, upper = bits.view(torch.float32).double()
    return lower, upper


class Histogram:
    """Counts of |x|, beside the exact signed range of x.

    ``counts`` is int64 [NUM_BINS] on the CPU; ``range`` a :class:`Range`.
    """

    def __init__(self) -> None:
        self.counts = torch.zeros(NUM_BINS, dtype=torch.int64)
        self.range = Range()

    @property
    def low(self) -> float:
        """Smallest value observed."""
        return self.range.low

    @property
    def high(self) -> float:
        """Largest value observed."""
        return self.range.high

    @property
    def magnitude(self) -> float:
        """Largest magnitude observed."""
        return self.range.magnitude

    def observe(self, x: Tensor) -> None:
        """Count every element of a float tensor of any shape.

        Wider types are rounded to float32 first.

        Raises:
            FloatingPointError: If ``x`` holds NaN or Inf. Nothing is counted
                then.
        """
        x = x.float()
        self.range.observe(x)
        bins = (x.view(torch.int32) >> _SHIFT).bitwise_and_(NUM_BINS - 1)
        self.counts += torch.bincount(
            bins.flatten(), minlength=NUM_BINS).cpu()

    def occupied(self) -> tuple[Tensor, Tensor]:
        """Bins that hold something, and how much.

        Returns:
            tuple[Tensor, Tensor]: Ascending bin numbers and their counts,
            int64 [B].
        """
        bins = self.counts.nonzero().flatten()
        return bins, self.counts[bins]

    def merge(self, other: 'Histogram') -> None:
        """Add what ``other`` has seen; exact, in any order."""
        self.counts += other.counts
        self.range.merge(other.range)

    def state_dict(self) -> dict[str, Tensor]:
        """``range`` as :meth:`Range.state_dict`; ``bins`` and ``counts`` of
        the occupied bins only, int64 [B]."""
        bins, counts = self.occupied()
        return dict(self.range.state_dict(), bins=bins, counts=counts)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Replace the counts and the range by saved ones."""
        self.range.load_state_dict(state)
        self.counts.zero_()
        self.counts[state['bins']] = state['counts']
