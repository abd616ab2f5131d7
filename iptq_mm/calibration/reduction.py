"""Statistics of all ranks into one, the same on each."""
from copy import deepcopy
from typing import Mapping

from mmengine.dist import all_gather_object, get_world_size

from .observers import Observer
from .sampler import Sampler


def reduce_over_ranks(
        statistics: Mapping[str, Observer | Sampler]) -> None:
    """Merge, in place, what every rank has seen; nothing to do for one rank.

    All ranks call this with the same names. Each merge is exact and does not
    depend on the order, so all ranks end up equal bit for bit, and equal to
    one rank that saw everything.

    Args:
        statistics (Mapping[str, Observer | Sampler]): By site name. Sites
            may share an object.
    """
    if get_world_size() == 1:
        return
    items = list(statistics.values())
    ranks = all_gather_object([item.state_dict() for item in items])
    for item, *states in zip(items, *ranks):
        merge_states(item, states)


def merge_states(statistic: Observer | Sampler, states: list[dict]) -> None:
    """Replace a statistic by the merge of saved ones."""
    first, *others = states
    statistic.load_state_dict(first)
    for state in others:
        other = deepcopy(statistic)
        other.load_state_dict(state)
        statistic.merge(other)
