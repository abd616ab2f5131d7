"""Runtimes side by side: the same backbone, integer-only and otherwise."""
from .machine import machine
from .models import BACKBONES, float_backbone
from .runtimes import RUNTIMES, Runtime
from .timing import interleave

__all__ = [
    'BACKBONES', 'RUNTIMES', 'Runtime', 'float_backbone', 'interleave',
    'machine'
]
