"""Lowering: float module + observed ranges + assignment -> integers."""
from .swin import check_swin, lower_swin, nonlinear_layers, swin_sites

__all__ = ['check_swin', 'lower_swin', 'nonlinear_layers', 'swin_sites']
