"""The integer parts of an R-CNN -> one integer program.

Between two parts there was a float tensor: an output times its scale, divided
by the scale of what reads it. Here the two scales become one dyadic
multiplier.
"""
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import torch
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from torch import Tensor, nn

from ...models.detectors.part import IntPart
from ...models.detectors.program import (
    BoxRules,
    IntBoxes,
    IntBoxStage,
    IntFeatures,
    IntMasks,
    IntMaskStage,
    IntProposals,
    IntRCNN,
    ProposalRules,
)
from ...models.detectors.program.boxes import SCORE_BITS
from ...nn import IntRequantize
from ...ops.boxes import COORDINATE_BITS, DELTA_BITS, level_areas
from ...ops.masks import PROBABILITY_BITS
from ...registry import APPROXIMATIONS
from ..scale import dyadic_tensors, fill

MASK_REACH = 8.
"""Mask logits beyond it are cut off: sigmoid is within 0.0004 of 0 or 1."""

SOFTMAX_BITS = 18
"""Width that makes a candidate's probabilities have 30 fractional bits."""


def lower_program(detector: nn.Module, backbone: nn.Module,
                  parts: Mapping[str, IntPart], bits: Mapping[str, int],
                  softmax: str = 'table_softmax') -> IntRCNN:
    """Chain the integer parts of a detector.

    Args:
        detector (nn.Module): Float, of the R-CNN family: it tells the
            anchors, the coders and what is kept.
        backbone (nn.Module): Its integer backbone.
        parts (Mapping[str, IntPart]): Its integer neck and heads, by the
            part's name.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
        softmax (str): Candidate for the class scores.

    Raises:
        TypeError: If a step of the detector has no integer form.
    """
    neck, width = parts['neck'], bits['activation']
    first = detector.neck.start_level
    maps = [border.scale.item() for border in backbone.dequantize[first:]]
    pyramid = [border.scale.item() for border in neck.dequantize]
    program = IntRCNN(
        backbone.body, neck.body, len(neck.quantize), width,
        _proposals(detector, parts['rpn_head'], pyramid, width),
        _boxes(detector, parts, pyramid, width, softmax),
        _masks(detector, parts, pyramid, width)
        if 'roi_head.mask_head' in parts or 'roi_head.mask_head.0' in parts
        else None)
    for narrow, source, target in zip(program.narrow, maps, neck.quantize):
        _rescale(narrow, source / target.scale.item())
    return program.eval()


def _rescale(target: IntRequantize, ratio: float) -> None:
    m, n = dyadic_tensors(ratio)
    fill(target.m, m)
    fill(target.n, n)


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise TypeError(f'{what} has no integer form')


def _overlap(nms: Mapping[str, Any]) -> tuple[int, int]:
    """The threshold as the fraction that its decimals are."""
    _require(nms.get('type', 'nms') == 'nms', f'nms {nms.get("type")!r}')
    threshold = Fraction(str(nms['iou_threshold']))
    _require(threshold.denominator <= 2**14, f'an overlap of {threshold}')
    return threshold.numerator, threshold.denominator


def _decoding(module: nn.Module, coder: DeltaXYWHBBoxCoder,
              scale: float) -> None:
    """Fill the change from deltas to 16 fractional bits."""
    _require(
        type(coder) is DeltaXYWHBBoxCoder and not any(coder.means)
        and coder.clip_border and not coder.add_ctr_clamp, f'{coder}')
    ratios = [dyadic_tensors(scale * std * 2**DELTA_BITS)
              for std in coder.stds]
    fill(module.m, torch.cat([m for m, _ in ratios]))
    fill(module.n, torch.cat([n for _, n in ratios]))


def _proposals(detector: nn.Module, part: IntPart, pyramid: list[float],
               width: int) -> IntProposals:
    head, rules = detector.rpn_head, detector.test_cfg.rpn
    _require(head.use_sigmoid_cls, 'an RPN with softmax')
    generator = head.prior_generator
    strides = [stride[0] for stride in generator.strides]
    anchors = torch.stack(generator.base_anchors).double().cpu()
    proposals = IntProposals(
        part.body, strides,
        (anchors * 2**COORDINATE_BITS).round().to(torch.int32),
        ProposalRules(
            rules.nms_pre if rules.nms_pre > 0 else 2**31, rules.max_per_img,
            _overlap(rules.nms),
            int(rules.get('min_bbox_size', -1) * 2**COORDINATE_BITS)), width)
    for narrow, scale in zip(proposals.narrow, pyramid):
        _rescale(narrow, scale / part.quantize[0].scale.item())
    _decoding(proposals, head.bbox_coder, part.dequantize[1].scale.item())
    return proposals


def _features(extractor: nn.Module, part: IntPart, pyramid: list[float],
              width: int) -> IntFeatures:
    layer = extractor.roi_layers[0]
    _require(layer.aligned and layer.pool_mode == 'avg'
             and layer.output_size[0] == layer.output_size[1], f'{layer}')
    strides = list(extractor.featmap_strides)
    features = IntFeatures(
        strides, level_areas(len(strides), extractor.finest_scale),
        layer.output_size[0], layer.sampling_ratio, width)
    for narrow, scale in zip(features.narrow, pyramid):
        _rescale(narrow, scale / part.quantize[0].scale.item())
    return features


def _listed(value: Any) -> list:
    return list(value) if isinstance(value, nn.ModuleList) else [value]


def _of(parts: Mapping[str, IntPart], name: str, stages: int,
        i: int) -> IntPart:
    return parts[name if stages == 1 and name in parts else f'{name}.{i}']


def _boxes(detector: nn.Module, parts: Mapping[str, IntPart],
           pyramid: list[float], width: int, softmax: str) -> IntBoxes:
    roi_head, rules = detector.roi_head, detector.test_cfg.rcnn
    heads = _listed(roi_head.bbox_head)
    extractors = _listed(roi_head.bbox_roi_extractor)
    own = [_of(parts, 'roi_head.bbox_head', len(heads), i)
           for i in range(len(heads))]
    scale = min(part.dequantize[0].scale.item() for part in own)
    stages = []
    for head, extractor, part in zip(heads, extractors, own, strict=True):
        _require(not head.reg_decoded_bbox
                 and not getattr(head.loss_cls, 'use_sigmoid', False)
                 and not head.custom_cls_channels, f'{type(head).__name__}')
        stage = IntBoxStage(
            _features(extractor, part, pyramid, width), part.body,
            head.reg_class_agnostic)
        _rescale(stage.to_logits, part.dequantize[0].scale.item() / scale)
        _decoding(stage, head.bbox_coder, part.dequantize[1].scale.item())
        stages.append(stage)
    boxes = IntBoxes(
        stages,
        BoxRules(
            int(rules.score_thr * 2**SCORE_BITS), rules.max_per_img,
            _overlap(rules.nms)), softmax)
    fill(boxes.params, APPROXIMATIONS.get(softmax)().lower(
        scale / len(stages), SOFTMAX_BITS))
    return boxes


def _masks(detector: nn.Module, parts: Mapping[str, IntPart],
           pyramid: list[float], width: int) -> IntMasks:
    roi_head = detector.roi_head
    heads = _listed(roi_head.mask_head)
    extractors = _listed(roi_head.mask_roi_extractor)
    step = MASK_REACH / 127
    stages = []
    for i, (_, extractor) in enumerate(zip(heads, extractors, strict=True)):
        part = _of(parts, 'roi_head.mask_head', len(heads), i)
        stage = IntMaskStage(
            _features(extractor, part, pyramid, width), part.body)
        _rescale(stage.to_code, part.dequantize[0].scale.item() / step)
        fill(stage.table, _sigmoid(step))
        stages.append(stage)
    return IntMasks(stages)


def _sigmoid(step: float) -> Tensor:
    """Probabilities of the codes from -128 on, 14 fractional bits."""
    x = torch.arange(-128, 128, dtype=torch.float64) * step
    return (x.sigmoid() * 2**PROBABILITY_BITS).round().to(torch.int16)
