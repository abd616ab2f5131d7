"""IPTQ-MM: integer-only Swin detectors and classifiers without retraining.

Importing the package registers its models, hooks, datasets, metrics,
observers and approximations; an mmdet config asks for that with
``custom_imports = dict(imports=['iptq_mm'])``.
"""
from .environment import (
    find_own_configs,
    quiet_imports,
    require_compiled_mmcv,
)

require_compiled_mmcv()
find_own_configs()

with quiet_imports():
    from . import calibration, datasets, engine, functions, models
from .engine.artifact.freeze import freeze  # noqa: E402
from .engine.artifact.load import load  # noqa: E402

__all__ = [
    'calibration', 'datasets', 'engine', 'freeze', 'functions', 'load',
    'models'
]

__version__ = '0.1.0'
