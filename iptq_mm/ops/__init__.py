"""Integer operators: each defined once, by a reference on integer tensors."""
from . import native, shapes
from .attention import attention, window_attention
from .block import block, window_block
from .border import (
    center_pixels,
    dequantize,
    dequantize_maps,
    padded,
    quantize,
    scale_of,
)
from .conv import conv2d, neighbourhoods
from .detection import (
    COORDINATE_BITS,
    box_levels,
    decode_boxes,
    nms,
    paste_masks,
    rank,
    roi_align,
)
from .elementwise import add, requantize
from .function import gelu, layer_norm, softmax, with_zero_point
from .library import NAMESPACE, REFERENCES
from .linear import (
    LOWER_ZERO,
    group_ends,
    linear,
    linear_add,
    linear_gelu,
    linear_wide,
)
from .merging import cut_patches, merge_layer_norm

shapes.load()  # once every operator is defined
native.load()  # and has its reference

__all__ = [
    'COORDINATE_BITS', 'LOWER_ZERO', 'NAMESPACE', 'REFERENCES', 'add',
    'attention', 'block', 'box_levels', 'center_pixels', 'conv2d',
    'cut_patches', 'decode_boxes', 'dequantize', 'dequantize_maps', 'gelu',
    'group_ends', 'layer_norm', 'linear', 'linear_add', 'linear_gelu',
    'linear_wide', 'merge_layer_norm', 'native', 'neighbourhoods', 'nms',
    'padded', 'paste_masks', 'quantize', 'rank', 'requantize', 'roi_align',
    'scale_of', 'shapes', 'softmax', 'window_attention', 'window_block',
    'with_zero_point'
]
