"""mmdet's RPNHead on integers (Ren et al., arXiv:1506.01497, section 3.1)."""
from __future__ import annotations

from collections.abc import Mapping

from mmdet.models.dense_heads import RPNHead
from torch import Tensor

from ...registry import MODELS
from .conv_head import HeadLayer, HeadPlan, conv_module_layer, take_layers


def rpn_plan(head: RPNHead) -> HeadPlan:
    """The layers of a float RPN head: scores and box deltas of each anchor.

    Raises:
        TypeError: If a layer has no integer form.
    """
    trunk = [HeadLayer('rpn_conv', relu=True)]
    if head.num_convs > 1:
        trunk = [
            conv_module_layer(head, f'rpn_conv.{i}')
            for i in range(head.num_convs)
        ]
    return HeadPlan(trunk,
                    [[HeadLayer('rpn_cls', relu=False)],
                     [HeadLayer('rpn_reg', relu=False)]])


@MODELS.register_module()
class IntRPNHead(RPNHead):
    """An RPN head whose convolutions are integer-only.

    Of what follows them (decoding, NMS) an ``IntTwoStageDetector`` only takes
    the rules.

    Args:
        bits (Mapping[str, int], optional): Widths, see
            ``IntSwinTransformer``.
        *args, **kwargs: As mmdet's ``RPNHead``.
    """

    def __init__(self, *args, bits: Mapping[str, int] | None = None,
                 **kwargs):
        super().__init__(*args, **kwargs)
        self.layers = take_layers(self, rpn_plan(self), bits)
        self.init_cfg = None  # names layers that are gone

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """float32 [B, C, H, W] of one level -> scores [B, A, H, W] and box
        deltas [B, 4 A, H, W] of the A anchors of a position."""
        return self.layers(x)
