"""A bounded random sample of the rows of a tensor, over many batches."""
import torch
from torch import Tensor

from ..compat import unravel_index


class Sampler:
    """Keeps whole rows (last axis) of what passes a site.

    Each row of a batch that is picked draws a random priority; the sample is
    the rows of least priority. Picks and priorities depend on nothing but the
    seed, the number of the batch and its number of rows, so the sample does
    not depend on the order of the batches, nor on how they are shared out
    among processes, and samples merge exactly.

    Args:
        max_elements (int): Bound on the numbers kept. At least one row is
            kept, however long.
        seed (int): Seed of picks and priorities.
    """

    def __init__(self, max_elements: int = 2**15, seed: int = 0):
        self.max_elements, self.seed = max_elements, seed
        self._rows = self._priorities = None

    @property
    def rows(self) -> Tensor:
        """The sample, float32 [T, L] on the CPU, T * L at most
        ``max_elements`` (or T = 1).

        Raises:
            RuntimeError: If nothing was observed.
        """
        if self._rows is None:
            raise RuntimeError('no row has been observed: calibrate before '
                               'asking for a sample')
        return self._rows

    def observe(self, x: Tensor, batch: int) -> None:
        """See a tensor of the given batch.

        Args:
            x (Tensor): Float [..., L], any strides.
            batch (int): Number of the batch in the whole calibration set.

        Raises:
            ValueError: If L is not that of earlier batches.
        """
        shape, length = x.shape[:-1], x.shape[-1]
        if x.numel() == 0:
            return
        count = shape.numel()
        # Python does not randomize the hash of integers: the same seed in
        # every process.
        generator = torch.Generator().manual_seed(
            hash((self.seed, batch, count)) % 2**63)
        wanted = self._max_rows(length)
        picks = (torch.arange(count) if count <= wanted else torch.randint(
            count, (wanted, ), generator=generator).unique())
        priorities = torch.randint(2**62, picks.shape, generator=generator)
        # Most picks of a late batch would be dropped again; not even read.
        hopeful = priorities < self._limit(wanted)
        picks, priorities = picks[hopeful], priorities[hopeful]
        # Indexing by coordinates copies the picks only; flattening would copy
        # a permuted tensor whole.
        rows = x[unravel_index(picks.to(x.device), shape)]
        self._keep(rows.float().cpu(), priorities)

    def _limit(self, wanted: int) -> int:
        """Priority from which on a row cannot enter the sample."""
        if self._rows is None or len(self._rows) < wanted:
            return 2**62
        return self._priorities[-1].item()

    def _max_rows(self, length: int) -> int:
        return max(1, self.max_elements // length)

    def _keep(self, rows: Tensor, priorities: Tensor) -> None:
        if self._rows is not None:
            if rows.shape[1] != self._rows.shape[1]:
                raise ValueError(
                    f'rows of {rows.shape[1]} numbers after rows of '
                    f'{self._rows.shape[1]}: a sampler needs one row length')
            rows = torch.cat([self._rows, rows])
            priorities = torch.cat([self._priorities, priorities])
        order = priorities.argsort(stable=True)[:self._max_rows(
            rows.shape[1])]
        self._rows, self._priorities = rows[order], priorities[order]

    def merge(self, other: 'Sampler') -> None:
        """Add the rows that another process has kept; the result is the
        sample that one process would have kept of all."""
        if other._rows is not None:
            self._keep(other._rows, other._priorities)

    def state_dict(self) -> dict[str, Tensor]:
        """``rows`` float32 [T, L] and ``priorities`` int64 [T]; nothing if
        nothing was observed."""
        return {} if self._rows is None else dict(
            rows=self._rows, priorities=self._priorities)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Replace the sample by a saved one."""
        self._rows, self._priorities = state.get('rows'), state.get(
            'priorities')
