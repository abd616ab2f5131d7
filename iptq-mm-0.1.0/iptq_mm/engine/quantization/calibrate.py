"""One pass of a float backbone over the calibration images."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from mmengine.dist import get_dist_info
from torch import Tensor, nn

from ...calibration import (
    Collector,
    Observer,
    Sampler,
    Site,
    collect,
    reduce_over_ranks,
)
from ...calibration.reduction import Statistic
from ...registry import OBSERVERS
from ..errors import UserError
from .statistics_files import SAVE_EVERY, StatisticsFiles

WIDE = 16
"""From this width on a site keeps its whole range: steps are so fine that
clipping costs more than it saves."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True)
class Calibration:
    """What the float backbone is shown, and how it is watched.

    Args:
        batches (Iterable[Tensor]): Images as the backbone takes them; can be
            iterated several times, always with the same batches.
        num_batches (int): How many of them are used.
        observer (Mapping): Config of the observer of sites narrower than 16
            bits; wider and bounded ones always keep their whole range.
        seed (int): Picks the rows that are sampled at non-linear layers.
        progress (Callable): See ``Progress``.
        files (StatisticsFiles, optional): Where statistics are kept, for a
            run that is killed. Defaults to None, nowhere.
    """
    batches: Iterable[Tensor]
    num_batches: int
    observer: Mapping[str, Any]
    seed: int
    progress: Progress
    files: StatisticsFiles | None = None

    def observers(self, sites: Mapping[str, Site]) -> dict[str, Observer]:
        """An empty observer for each site.

        Raises:
            UserError: If there is none of that name.
        """
        settings = dict(self.observer)
        kind = settings.pop('type')
        if kind not in OBSERVERS:
            raise UserError(f'there is no observer {kind!r}; there are: '
                            f'{", ".join(sorted(OBSERVERS.module_dict))}.')
        narrow, wide = OBSERVERS.get(kind), OBSERVERS.get('min_max')
        return {
            name: wide() if site.bits >= WIDE or site.bounded
            else narrow(**settings)
            for name, site in sites.items()
        }

    def own_batches(self) -> Iterator[Tensor]:
        """Those of this process."""
        return islice(self.batches, self._own())

    def _own(self) -> int:
        """How many of the batches this process has."""
        rank, world = get_dist_info()
        return len(range(rank, self.num_batches, world))

    def watch(self, backbone: nn.Module, sites: Mapping[str, Site],
              observers: Mapping[str, Statistic],
              samplers: Mapping[str, Sampler], what: str) -> None:
        """One pass over the images, shared out among ranks.

        Args:
            backbone (nn.Module): Float.
            sites (Mapping[str, Site]): Where to look.
            observers (Mapping[str, Statistic]): What sees the tensors, by
                site name; filled in place.
            samplers (Mapping[str, Sampler]): Likewise.
            what (str): Name of the pass, for the progress and its file.

        Raises:
            UserError: If there are too few batches, a site carries NaN or
                Inf, or a file to go on from does not fit.
        """
        rank, world = get_dist_info()
        own = self._own()
        statistics = {**observers, **samplers}
        seen = self.files.restore(what, statistics) if self.files else 0

        def after(done: int, total: int) -> None:
            self.progress(what, done, total)
            if self.files and done < total and done % SAVE_EVERY == 0:
                self.files.save(what, done, statistics)

        collector = Collector(backbone, sites, observers, samplers,
                              count(rank + seen * world, world))
        if seen < own or not own:  # of no batches at all, collect complains
            try:
                collect(collector, backbone, self.batches, own, after, seen)
            except (ValueError, FloatingPointError) as error:
                raise UserError(str(error)) from error
            if self.files:
                self.files.save(what, own, statistics)
        reduce_over_ranks(statistics)


def thresholds(sites: Mapping[str, Site],
               observers: Mapping[str, Observer]) -> dict[str, float]:
    """Largest magnitude that each site's integers stand for, by its
    observer."""
    return {
        name: observers[name].threshold(site.bits) * site.headroom
        for name, site in sites.items()
    }
