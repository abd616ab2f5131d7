"""Statistics of all ranks into one, the same on each."""
from copy import deepcopy
from typing import Mapping, Union

from mmengine.dist import all_gather_object, get_world_size

from .channels import ChannelRange
from .moments import CrossMoments, SecondMoments
from .observers import Observer
from .sampler import Sampler

Statistic = Union[Observer, Sampler, SecondMoments, CrossMoments,
                  ChannelRange]


def reduce_over_ranks(statistics: Mapping[str, Statistic]) -> None:
    """Merge, in place, what every rank has seen; nothing to do for one rank.

    All ranks call this with the same names, and merge in the same order, so
    that they end up equal bit for bit. Each merge is exact (moments': see
    there), so that they equal one rank that saw everything. One statistic of
    all ranks is held at a time.

    Args:
        statistics (Mapping[str, Statistic]): By site name. Sites may share
            an object.
    """
    if get_world_size() == 1:
        return
    # A shared object must not be merged twice.
    for statistic in {id(item): item for item in statistics.values()}.values():
        merge_states(statistic, all_gather_object(statistic.state_dict()))


def merge_states(statistic: Statistic, states: list[dict]) -> None:
    """Replace a statistic by the merge of saved ones."""
    first, *others = states
    statistic.load_state_dict(first)
    for state in others:
        other = deepcopy(statistic)
        other.load_state_dict(state)
        statistic.merge(other)
