"""One pass of a float backbone over the calibration images."""
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from ..calibration import (Collector, Observer, Sampler, Site, collect,
                           reduce_over_ranks)
from ..registry import OBSERVERS
from .errors import UserError

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
            bits; wider ones always keep their whole range.
        seed (int): Picks the rows that are sampled at non-linear layers.
        progress (Callable): See ``Progress``.
    """
    batches: Iterable[Tensor]
    num_batches: int
    observer: Mapping[str, Any]
    seed: int
    progress: Progress

    def thresholds(self, backbone: nn.Module, sites: Mapping[str, Site],
                   samplers: Mapping[str, Sampler],
                   what: str) -> dict[str, float]:
        """One pass over the images.

        Args:
            backbone (nn.Module): Float.
            sites (Mapping[str, Site]): What to observe.
            samplers (Mapping[str, Sampler]): By name of a non-linear layer,
                filled with rows of its input.
            what (str): Name of the pass, for the progress.

        Returns:
            dict[str, float]: Clipping threshold of each site.

        Raises:
            UserError: If there are too few batches, or a site carries NaN or
                Inf.
        """
        observers = _observers(sites, self.observer)
        inputs = {layer: Site(layer, 'input', WIDE) for layer in samplers}
        collector = Collector(backbone, {**sites, **inputs}, observers,
                              samplers)
        try:
            collect(collector, backbone, self.batches, self.num_batches,
                    partial(self.progress, what))
        except (ValueError, FloatingPointError) as error:
            raise UserError(str(error)) from error
        reduce_over_ranks({**observers, **samplers})
        return {
            name: observers[name].threshold(site.bits)
            for name, site in sites.items()
        }


def _observers(sites: Mapping[str, Site],
               observer: Mapping[str, Any]) -> dict[str, Observer]:
    settings = dict(observer)
    kind = settings.pop('type')
    if kind not in OBSERVERS:
        raise UserError(f'there is no observer {kind!r}; there are: '
                        f'{", ".join(sorted(OBSERVERS.module_dict))}.')
    narrow, wide = OBSERVERS.get(kind), OBSERVERS.get('min_max')
    return {
        name: wide() if site.bits >= WIDE else narrow(**settings)
        for name, site in sites.items()
    }
