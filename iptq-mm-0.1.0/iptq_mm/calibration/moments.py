"""First and second moments of the rows of a tensor, over many batches."""
from collections.abc import Callable

import torch
from torch import Tensor


class CrossMoments:
    """Mean of one tensor's rows, and their covariance with another's.

    Kept are the sums of y and of y x^T over all rows, N + N K numbers however
    many rows there are. The products of one tensor are summed in float32, as a
    layer itself does, and those sums in float64: sums of 24-bit numbers are
    exact there unless they lie 2^29 apart, so neither the order of the batches
    shows nor how processes have shared them out.

    Attributes:
        count (int): Rows that were seen.
    """

    def __init__(self) -> None:
        self.count, self._sum, self._products = 0, None, None

    @property
    def mean(self) -> Tensor:
        """E[y], float64 [N] on the CPU."""
        return self._sum / self.count

    def covariance(self, mean: Tensor) -> Tensor:
        """E[(y - E[y]) (x - E[x])^T], float64 [N, K] on the CPU.

        Args:
            mean (Tensor): E[x], float64 [K].
        """
        return self._products / self.count - self.mean.outer(mean)

    def observe(self, y: Tensor, x: Tensor) -> None:
        """See rows [M, N] and the rows [M, K] that go with them.

        Raises:
            FloatingPointError: If the products hold NaN or Inf, or numbers
                beyond float32. Nothing is added then.
        """
        y, x = y.float(), x.float()
        products = y.T @ x
        if not products.isfinite().all():
            raise FloatingPointError('NaN or Inf')
        self._add(len(y), y.sum(0).double().cpu(), products.double().cpu())

    def transformed(self, of_sum: Callable[[Tensor], Tensor],
                    of_products: Callable[[Tensor], Tensor]
                    ) -> 'CrossMoments':
        """With other sums, float64 [N] and [N, K]."""
        result = CrossMoments()
        if self.count:
            result._add(self.count, of_sum(self._sum),
                        of_products(self._products))
        return result

    def _add(self, count: int, total: Tensor, products: Tensor) -> None:
        if self._sum is None:
            self._sum = torch.zeros_like(total)
            self._products = torch.zeros_like(products)
        self.count += count
        self._sum += total
        self._products += products

    def merge(self, other: 'CrossMoments') -> None:
        """Add what ``other`` has seen."""
        if other.count:
            self._add(other.count, other._sum, other._products)

    def state_dict(self) -> dict[str, Tensor]:
        """``count`` int64 [], ``sum`` float64 [N] and ``products`` float64
        [N, K]; nothing if nothing was observed."""
        return {} if self._sum is None else dict(
            count=torch.tensor(self.count), sum=self._sum,
            products=self._products)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Replace the moments by saved ones; the tensors are copied, since
        sums grow in place."""
        self.__init__()
        if state:
            self._add(state['count'].item(), state['sum'], state['products'])


class SecondMoments:
    """Mean and covariance of what enters a linear layer: :class:`CrossMoments`
    of a tensor with itself."""

    def __init__(self) -> None:
        self._sums = CrossMoments()

    @property
    def mean(self) -> Tensor:
        """E[x], float64 [K] on the CPU.

        Raises:
            RuntimeError: If nothing was observed.
        """
        if not self._sums.count:
            raise RuntimeError('no row has been observed: calibrate before '
                               'asking for moments')
        return self._sums.mean

    @property
    def covariance(self) -> Tensor:
        """E[(x - E[x]) (x - E[x])^T], float64 [K, K] on the CPU.

        Raises:
            RuntimeError: If nothing was observed.
        """
        return self._sums.covariance(self.mean)

    def observe(self, x: Tensor) -> None:
        """See a float tensor [..., K]; an empty one changes nothing.

        Raises:
            FloatingPointError: If ``x`` holds NaN or Inf, or numbers whose
                squares are beyond float32. Nothing is added then.
        """
        rows = x.flatten(0, -2)
        self._sums.observe(rows, rows)

    def divided(self, divisors: Tensor) -> 'SecondMoments':
        """What x / divisors would have given.

        Args:
            divisors (Tensor): float64 [K], positive.
        """
        return self._of(self._sums.transformed(
            lambda total: total / divisors,
            lambda products: products / divisors.outer(divisors)))

    def reordered(self, columns: Tensor) -> 'SecondMoments':
        """What x[..., columns] would have given.

        Args:
            columns (Tensor): int64 [K], a permutation.
        """
        return self._of(self._sums.transformed(
            lambda total: total[columns],
            lambda products: products[columns][:, columns]))

    @classmethod
    def _of(cls, sums: CrossMoments) -> 'SecondMoments':
        result = cls()
        result._sums = sums
        return result

    def merge(self, other: 'SecondMoments') -> None:
        """Add what ``other`` has seen."""
        self._sums.merge(other._sums)

    def state_dict(self) -> dict[str, Tensor]:
        """``count`` int64 [], ``sum`` float64 [K] and ``products`` float64
        [K, K]; nothing if nothing was observed."""
        return self._sums.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Replace the moments by saved ones."""
        self._sums.load_state_dict(state)
