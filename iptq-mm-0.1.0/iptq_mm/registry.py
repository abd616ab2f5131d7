"""The registries of IPTQ-MM.

``APPROXIMATIONS`` and ``OBSERVERS`` are roots of their own: no other
OpenMMLab project has such things. ``MODELS``, ``HOOKS``, ``DATASETS``,
``METRICS`` and ``OPTIM_WRAPPERS`` are children of mmengine's, so that what is
registered here is found from an mmdet config under the prefix ``iptq_mm.``
once ``iptq_mm`` has been imported.
"""
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import Registry

APPROXIMATIONS = Registry(
    'approximation', scope='iptq_mm', locations=['iptq_mm.functions'])
"""Integer candidates of GELU, Softmax and LayerNorm."""

OBSERVERS = Registry(
    'observer', scope='iptq_mm', locations=['iptq_mm.calibration'])
"""Range estimators that calibration puts on a site."""

MODELS = Registry(
    'model', parent=MMENGINE_MODELS, scope='iptq_mm',
    locations=['iptq_mm.models'])
HOOKS = Registry(
    'hook', parent=MMENGINE_HOOKS, scope='iptq_mm',
    locations=['iptq_mm.engine'])
DATASETS = Registry(
    'dataset', parent=MMENGINE_DATASETS, scope='iptq_mm',
    locations=['iptq_mm.datasets'])
METRICS = Registry(
    'metric', parent=MMENGINE_METRICS, scope='iptq_mm',
    locations=['iptq_mm.evaluation'])
OPTIM_WRAPPERS = Registry(
    'optimizer wrapper', parent=MMENGINE_OPTIM_WRAPPERS, scope='iptq_mm',
    locations=['iptq_mm.engine'])
