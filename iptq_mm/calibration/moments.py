"""First and second moments of the rows of a tensor, over many batches."""
import torch
from torch import Tensor


class SecondMoments:
    """Mean and covariance of what enters a linear layer.

    Kept are the sums of x and of x x^T over all rows x, K + K^2 numbers
    however many images there are. The products of one tensor are summed in
    float32, as the layer itself does, and those sums in float64: sums of
    24-bit numbers are exact there unless they lie 2^29 apart, so neither the
    order of the batches shows nor how processes have shared them out.
    """

    def __init__(self) -> None:
        self._count, self._sum, self._products = 0, None, None

    @property
    def mean(self) -> Tensor:
        """E[x], float64 [K] on the CPU.

        Raises:
            RuntimeError: If nothing was observed.
        """
        self._require()
        return self._sum / self._count

    @property
    def covariance(self) -> Tensor:
        """E[(x - E[x]) (x - E[x])^T], float64 [K, K] on the CPU.

        Raises:
            RuntimeError: If nothing was observed.
        """
        self._require()
        return self._products / self._count - self.mean.outer(self.mean)

    def observe(self, x: Tensor) -> None:
        """See a float tensor [..., K]; an empty one changes nothing.

        Raises:
            FloatingPointError: If ``x`` holds NaN or Inf, or numbers whose
                squares are beyond float32. Nothing is added then.
        """
        rows = x.flatten(0, -2).float()
        products = rows.T @ rows
        if not products.isfinite().all():
            raise FloatingPointError('NaN or Inf')
        self._add(len(rows), rows.sum(0).double().cpu(),
                  products.double().cpu())

    def divided(self, divisors: Tensor) -> 'SecondMoments':
        """What x / divisors would have given.

        Args:
            divisors (Tensor): float64 [K], positive.
        """
        result = SecondMoments()
        if self._count:
            result._add(self._count, self._sum / divisors,
                        self._products / divisors.outer(divisors))
        return result

    def reordered(self, columns: Tensor) -> 'SecondMoments':
        """What x[..., columns] would have given.

        Args:
            columns (Tensor): int64 [K], a permutation.
        """
        result = SecondMoments()
        if self._count:
            result._add(self._count, self._sum[columns],
                        self._products[columns][:, columns])
        return result

    def _add(self, count: int, total: Tensor, products: Tensor) -> None:
        if self._sum is None:
            self._sum = torch.zeros_like(total)
            self._products = torch.zeros_like(products)
        self._count += count
        self._sum += total
        self._products += products

    def _require(self) -> None:
        if not self._count:
            raise RuntimeError('no row has been observed: calibrate before '
                               'asking for moments')

    def merge(self, other: 'SecondMoments') -> None:
        """Add what ``other`` has seen."""
        if other._count:
            self._add(other._count, other._sum, other._products)

    def state_dict(self) -> dict[str, Tensor]:
        """``count`` int64 [], ``sum`` float64 [K] and ``products`` float64
        [K, K]; nothing if nothing was observed."""
        return {} if self._sum is None else dict(
            count=torch.tensor(self._count), sum=self._sum,
            products=self._products)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Replace the moments by saved ones; the tensors are copied, since
        sums grow in place."""
        self.__init__()
        if state:
            self._add(state['count'].item(), state['sum'], state['products'])


class CrossMoments:
    """Mean of one tensor's rows, and their covariance with another's.

    Summed as :class:`SecondMoments` sums.
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
            FloatingPointError: As :meth:`SecondMoments.observe`.
        """
        y, x = y.float(), x.float()
        products = y.T @ x
        if not products.isfinite().all():
            raise FloatingPointError('NaN or Inf')
        self._add(len(y), y.sum(0).double().cpu(), products.double().cpu())

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
        """Replace the moments by saved ones."""
        self.__init__()
        if state:
            self._add(state['count'].item(), state['sum'], state['products'])
