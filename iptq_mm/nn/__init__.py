"""Integer modules: integers in, integers out, nothing else."""
from .attention import IntAttention, IntWindowAttention
from .border import (
    Dequantize,
    DequantizeMaps,
    Pixels,
    Quantize,
    image_entrance,
)
from .conv import IntConv2d, IntConvTranspose2d, upsample_nearest
from .linear import IntLinear, IntLinearAdd, IntLinearGELU, IntWideLinear
from .mlp import IntMLP
from .norm import IntLayerNorm, IntRequantize
from .patch import (
                    IntMergedLayerNorm,
                    IntMergedRequantize,
                    IntPatchEmbed,
                    IntPatchMerging,
)
from .pool import IntAveragePool
from .position import IntPositionEmbedding
from .tokens import IntPrefixTokens

__all__ = [
    'Dequantize', 'DequantizeMaps', 'IntAttention', 'IntAveragePool',
    'IntConv2d', 'IntConvTranspose2d', 'IntLayerNorm', 'IntLinear',
    'IntLinearAdd', 'IntLinearGELU', 'IntMLP', 'IntMergedLayerNorm',
    'IntMergedRequantize', 'IntPatchEmbed', 'IntPatchMerging',
    'IntPositionEmbedding', 'IntPrefixTokens', 'IntRequantize',
    'IntWideLinear', 'IntWindowAttention', 'Pixels', 'Quantize',
    'image_entrance', 'upsample_nearest'
]
