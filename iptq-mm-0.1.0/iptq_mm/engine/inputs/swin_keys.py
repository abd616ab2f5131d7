"""Microsoft's names of a Swin detector's weights, and mmdet's.

The detectors of Microsoft's Swin-Transformer-Object-Detection have mmdet's
own necks and heads, with the same names, and another backbone: other names,
another order of the channels of merged patches, and an absolute position
embedding laid out as an image.
"""
from collections.abc import Mapping

from torch import Tensor

from ...environment import has_mmdet

if has_mmdet():
    from mmdet.models.backbones.swin import swin_converter

_BACKBONE = 'backbone.'
_POSITION = 'backbone.absolute_pos_embed'


def is_microsoft(weights: Mapping[str, Tensor]) -> bool:
    """Whether the names are those of Microsoft's Swin detectors.

    timm's Swin has the same blocks, and one norm at the end, where a
    detector has one for each of its feature maps.
    """
    return 'backbone.norm.weight' not in weights and {
        'backbone.patch_embed.proj.weight',
        'backbone.layers.0.blocks.0.attn.qkv.weight'
    } <= weights.keys()


def to_mmdet(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A detector's weights by mmdet's names, in mmdet's order.

    Args:
        weights (Mapping[str, Tensor]): By Microsoft's names.

    Returns:
        dict[str, Tensor]: For the same detector of mmdet.
    """
    converted = swin_converter({
        name.removeprefix(_BACKBONE): tensor
        for name, tensor in weights.items() if name.startswith(_BACKBONE)
    })
    if _POSITION in converted:  # [1, C, H, W] -> [1, H W, C]
        converted[_POSITION] = converted[_POSITION].flatten(2).transpose(1, 2)
    rest = {
        name: tensor
        for name, tensor in weights.items() if not name.startswith(_BACKBONE)
    }
    return {**converted, **rest}
