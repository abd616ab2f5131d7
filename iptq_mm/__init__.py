"""IPTQ-MM: integer-only Swin detectors and classifiers without retraining.

Importing the package registers its models, hooks, datasets, metrics,
observers and approximations; an mmdet config asks for that with
``custom_imports = dict(imports=['iptq_mm'])``.
"""
from .environment import require_compiled_mmcv

require_compiled_mmcv()

from . import (calibration, datasets, engine, functions,  # noqa: E402,F401
               models)
from .engine.load import load  # noqa: E402,F401

__version__ = '0.1.0'
