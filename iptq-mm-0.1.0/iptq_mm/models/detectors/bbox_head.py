"""mmdet's box heads on integers."""
from __future__ import annotations

from collections.abc import Mapping

from mmdet.models.roi_heads.bbox_heads import ConvFCBBoxHead
from torch import Tensor

from ...registry import MODELS
from .conv_head import HeadLayer, HeadPlan, conv_module_layer, take_layers


def bbox_plan(head: ConvFCBBoxHead) -> HeadPlan:
    """The layers of a float box head: class scores, box deltas.

    Raises:
        TypeError: If it averages features, or takes them from boxes whose
            features are not square.
    """
    if head.with_avg_pool or len(set(head.roi_feat_size)) > 1:
        raise TypeError(
            f'{type(head).__name__} with with_avg_pool='
            f'{head.with_avg_pool} and roi_feat_size='
            f'{head.roi_feat_size}; only boxes with square features, not '
            f'averaged, have an integer form')
    side = head.roi_feat_size[0]

    def stack(branch: str, side: int) -> list[HeadLayer]:
        convs, fcs = (getattr(head, f'{branch}_{kind}')
                      for kind in ('convs', 'fcs'))
        return [
            conv_module_layer(head, f'{branch}_convs.{i}')
            for i in range(len(convs))
        ] + [
            HeadLayer(f'{branch}_fcs.{i}', True, side if i == 0 else 1)
            for i in range(len(fcs))
        ]

    trunk = stack('shared', side)
    if head.num_shared_fcs:
        side = 1
    branches = []
    for branch in ('cls', 'reg'):
        if getattr(head, f'with_{branch}'):
            layers = stack(branch, side)
            flat = getattr(head, f'num_{branch}_fcs') > 0
            predictor = HeadLayer(f'fc_{branch}', False, 1 if flat else side)
            branches.append([*layers, predictor])
    return HeadPlan(trunk, branches)


@MODELS.register_module()
class IntConvFCBBoxHead(ConvFCBBoxHead):
    """A box head whose convolutions and linear layers are integer-only.

    ``Shared2FCBBoxHead`` is it with two shared linear layers. Of what follows
    (Softmax, decoding, NMS) an ``IntTwoStageDetector`` only takes the rules.

    Args:
        bits (Mapping[str, int], optional): Widths, see
            ``IntSwinTransformer``.
        *args, **kwargs: As mmdet's ``ConvFCBBoxHead``.
    """

    def __init__(self, *args, bits: Mapping[str, int] | None = None,
                 **kwargs):
        super().__init__(*args, **kwargs)
        self.layers = take_layers(self, bbox_plan(self), bits)
        self.init_cfg = None  # names layers that are gone

    def forward(self, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """float32 [R, C, S, S] of R boxes -> class scores [R, classes + 1]
        and box deltas [R, 4] or [R, 4 classes], or None for what the head
        does not have."""
        outputs = iter(y.flatten(1) for y in self.layers(x))
        return (next(outputs) if self.with_cls else None,
                next(outputs) if self.with_reg else None)
