"""mmdet's RetinaHead on integers (Lin et al., arXiv:1708.02002, section 4)."""
from __future__ import annotations

from collections.abc import Mapping

from mmdet.models.dense_heads import RetinaHead
from torch import Tensor

from ...registry import MODELS
from .conv_head import HeadLayer, HeadPlan, conv_module_layer, take_layers


def retina_plan(head: RetinaHead) -> HeadPlan:
    """The layers of a float RetinaHead: scores of each class and box deltas
    of each anchor.

    Raises:
        TypeError: If a layer has no integer form.
    """

    def branch(convs: str, last: str) -> list[HeadLayer]:
        count = len(getattr(head, convs))
        return [
            conv_module_layer(head, f'{convs}.{i}') for i in range(count)
        ] + [HeadLayer(last, relu=False)]

    return HeadPlan([], [branch('cls_convs', 'retina_cls'),
                         branch('reg_convs', 'retina_reg')])


@MODELS.register_module()
class IntRetinaHead(RetinaHead):
    """A RetinaHead whose convolutions are integer-only.

    Of what follows them (sigmoid, decoding, NMS) an
    ``IntSingleStageDetector`` only takes the rules.

    Args:
        bits (Mapping[str, int], optional): Widths, see
            ``IntSwinTransformer``.
        *args, **kwargs: As mmdet's ``RetinaHead``.
    """

    def __init__(self, *args, bits: Mapping[str, int] | None = None,
                 **kwargs):
        super().__init__(*args, **kwargs)
        self.layers = take_layers(self, retina_plan(self), bits)
        self.init_cfg = None  # names layers that are gone

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """float32 [B, C, H, W] of one level -> scores [B, A classes, H, W]
        and box deltas [B, 4 A, H, W] of the A anchors of a position."""
        return self.layers(x)
