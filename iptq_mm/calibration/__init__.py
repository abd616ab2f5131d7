"""Calibration: what ranges the tensors of a float model take."""
from .collect import collect, take
from .collector import Collector
from .observers import Observer
from .reduction import reduce_over_ranks
from .replacement import Replacement
from .sampler import Sampler
from .site import Site, unmasked_scores

__all__ = [
    'Collector', 'Observer', 'Replacement', 'Sampler', 'Site', 'collect',
    'reduce_over_ranks', 'take', 'unmasked_scores'
]
