"""mmdet's FCNMaskHead on integers (He et al., arXiv:1703.06870, figure 4)."""
from __future__ import annotations

from collections.abc import Mapping

from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from torch import Tensor

from ...registry import MODELS
from .conv_head import HeadLayer, HeadPlan, conv_module_layer, take_layers


def mask_plan(head: FCNMaskHead) -> HeadPlan:
    """The layers of a float mask head: a mask for each class, or for all.

    Raises:
        TypeError: If a layer has no integer form, or it scales up by anything
            but a transposed convolution.
    """
    if head.upsample_method not in (None, 'deconv'):
        raise TypeError(f'it scales up by {head.upsample_method!r}; only '
                        f"'deconv' has an integer form")
    layers = [
        conv_module_layer(head, f'convs.{i}') for i in range(len(head.convs))
    ]
    if head.upsample is not None:
        layers.append(HeadLayer('upsample', relu=True))
    return HeadPlan(layers, [[HeadLayer('conv_logits', relu=False)]])


@MODELS.register_module()
class IntFCNMaskHead(FCNMaskHead):
    """A mask head whose convolutions are integer-only.

    What follows them (sigmoid, pasting into the image) is part of an
    ``IntTwoStageDetector``.

    Args:
        bits (Mapping[str, int], optional): Widths, see
            ``IntSwinTransformer``.
        *args, **kwargs: As mmdet's ``FCNMaskHead``.
    """

    def __init__(self, *args, bits: Mapping[str, int] | None = None,
                 **kwargs):
        super().__init__(*args, **kwargs)
        self.layers = take_layers(self, mask_plan(self), bits)

    def init_weights(self) -> None:
        """Nothing: mmdet's names layers that are gone."""

    def forward(self, x: Tensor) -> Tensor:
        """float32 [R, C, S, S] of R boxes -> mask logits [R, 1, 2 S, 2 S] or
        [R, classes, 2 S, 2 S]."""
        logits, = self.layers(x)
        return logits
