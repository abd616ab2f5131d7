"""Lowering: float module + observed ranges + assignment -> integers."""
from .swin import lower_swin
from .swin_scales import swin_layers
from .swin_sites import check_swin, nonlinear_layers, swin_sites

__all__ = [
    'check_swin', 'lower_swin', 'nonlinear_layers', 'swin_layers',
    'swin_sites'
]
