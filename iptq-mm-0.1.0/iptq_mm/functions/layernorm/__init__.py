"""Candidates of LayerNorm."""
from .i_layernorm import ILayerNorm
from .ptf_layernorm import PTFLayerNorm

__all__ = ['ILayerNorm', 'PTFLayerNorm']
