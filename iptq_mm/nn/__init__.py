"""Integer modules: integers in, integers out, nothing else."""
from .attention import IntWindowAttention
from .border import Dequantize, Quantize
from .linear import IntLinear, IntLinearAdd, IntLinearGELU
from .mlp import IntMLP
from .norm import IntLayerNorm, IntRequantize
from .patch import IntPatchEmbed, IntPatchMerging
from .position import IntPositionEmbedding

__all__ = [
    'Dequantize', 'IntLayerNorm', 'IntLinear', 'IntLinearAdd',
    'IntLinearGELU', 'IntMLP', 'IntPatchEmbed', 'IntPatchMerging',
    'IntPositionEmbedding', 'IntRequantize', 'IntWindowAttention', 'Quantize'
]
