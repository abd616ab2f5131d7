"""Calibration: what ranges the tensors of a float model take."""
from .channels import ChannelRange
from .collect import collect, take
from .collector import Collector, UnreachedSiteError
from .moments import CrossMoments, SecondMoments
from .observers import Observer
from .reduction import reduce_over_ranks
from .replacement import Replacement
from .sampler import Sampler
from .site import WIDE_HEADROOM, Site, output_site, unmasked_scores

__all__ = [
    'WIDE_HEADROOM', 'ChannelRange', 'Collector', 'CrossMoments', 'Observer',
    'Replacement', 'Sampler', 'SecondMoments', 'Site', 'UnreachedSiteError',
    'collect', 'output_site', 'reduce_over_ranks', 'take', 'unmasked_scores'
]
