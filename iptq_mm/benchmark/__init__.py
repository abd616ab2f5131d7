"""Runtimes side by side: the same model, integer-only and otherwise."""
from .machine import machine
from .models import MODELS, default_size, float_model, seeded_images
from .peak import Roofs, measure_roofs
from .profile import Entry, by_shape, profile
from .runtimes import RUNTIMES, Runtime
from .timing import interleave

__all__ = [
    'MODELS', 'RUNTIMES', 'Entry', 'Roofs', 'Runtime', 'by_shape',
    'default_size', 'float_model', 'interleave', 'machine', 'measure_roofs',
    'profile', 'seeded_images'
]
