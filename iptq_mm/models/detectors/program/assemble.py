"""The integer parts of an R-CNN, put together as one integer program.

Between two parts there was a float tensor: an output times its scale, divided
by the scale of what reads it. Here the two scales become one dyadic
multiplier, worked out when a detector is first run. It takes nothing but
exact fractions and the table of a sigmoid, which rounds alike whatever the
machine's exponential.
"""
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ....arithmetic import dyadic
from ....nn import IntRequantize
from ....ops.boxes import COORDINATE_BITS, DELTA_BITS, level_areas
from ....ops.masks import PROBABILITY_BITS
from ..part import IntPart
from .boxes import SCORE_BITS, BoxRules, IntBoxes, IntBoxStage, ScoreSoftmax
from .features import IntFeatures
from .masks import IntMasks, IntMaskStage
from .proposals import IntProposals, ProposalRules
from .rcnn import IntRCNN
from .steps import check_steps, listed, overlap_of

MASK_REACH = 8.
"""Mask logits beyond it are cut off: sigmoid is within 0.0004 of 0 or 1."""

def assemble(detector: nn.Module, backbone: nn.Module,
             parts: Mapping[str, IntPart],
             softmax: ScoreSoftmax) -> IntRCNN:
    """Chain the integer parts of a detector.

    Args:
        detector (nn.Module): Of the R-CNN family, whatever its parts: it
            tells the anchors, the coders and what is kept.
        backbone (nn.Module): Its integer backbone.
        parts (Mapping[str, IntPart]): Its integer neck and heads, by the
            part's name.
        softmax (ScoreSoftmax): Of the class scores, lowered for the scale
            :func:`score_scale`.

    Returns:
        IntRCNN: Shares the modules of its parts.

    Raises:
        TypeError: If a step of the detector has no integer form.
    """
    check_steps(detector)
    neck = parts['neck']
    first = detector.neck.start_level
    maps = [border.scale.item() for border in backbone.dequantize[first:]]
    pyramid = [border.scale.item() for border in neck.dequantize]
    program = IntRCNN(
        backbone.body, neck.body, len(neck.quantize), neck.bits,
        _proposals(detector, parts['rpn_head'], pyramid),
        _boxes(detector, parts, pyramid, softmax),
        _masks(detector, parts, pyramid)
        if detector.roi_head.with_mask else None)
    for narrow, source, target in zip(program.narrow, maps, neck.quantize):
        _rescale(narrow, source / target.scale.item())
    return program.eval()


def stage_parts(parts: Mapping[str, IntPart], kind: str) -> list[IntPart]:
    """The parts of the box or mask heads, one or those of a cascade.

    Args:
        parts (Mapping[str, IntPart]): By the part's name.
        kind (str): ``'bbox_head'`` or ``'mask_head'``.
    """
    name = f'roi_head.{kind}'
    return [part for key, part in parts.items()
            if key == name or key.startswith(f'{name}.')]


def score_scale(parts: Mapping[str, IntPart]) -> float:
    """Real value of a step of what Softmax of class scores reads: the sum of
    the stages' logits, which stands for their mean."""
    heads = stage_parts(parts, 'bbox_head')
    return _finest(heads) / len(heads)


def _finest(heads: list[IntPart]) -> float:
    return min(part.dequantize[0].scale.item() for part in heads)


def _rescale(target: IntRequantize, ratio: float) -> None:
    m, n = dyadic(ratio)
    target.m.fill_(m)
    target.n.fill_(n)


def _decoding(module: nn.Module, stds: Any, scale: float) -> None:
    """Fill the change from deltas to 16 fractional bits."""
    ratios = [dyadic(scale * std * 2**DELTA_BITS) for std in stds]
    module.m.copy_(torch.tensor([m for m, _ in ratios]))
    module.n.copy_(torch.tensor([n for _, n in ratios]))


def _most(count: int) -> int:
    """What is kept, where mmdet writes -1 for all."""
    return count if count > 0 else 2**31 - 1


def _proposals(detector: nn.Module, part: IntPart,
               pyramid: list[float]) -> IntProposals:
    head, rules = detector.rpn_head, detector.test_cfg.rpn
    generator = head.prior_generator
    strides = [stride[0] for stride in generator.strides]
    anchors = torch.stack(generator.base_anchors).double().cpu()
    proposals = IntProposals(
        part.body, strides,
        (anchors * 2**COORDINATE_BITS).round().to(torch.int32),
        ProposalRules(
            _most(rules.get('nms_pre', -1)), _most(rules.max_per_img),
            overlap_of(rules.nms),
            int(rules.get('min_bbox_size', -1) * 2**COORDINATE_BITS)),
        part.bits)
    for narrow, scale in zip(proposals.narrow, pyramid):
        _rescale(narrow, scale / part.quantize[0].scale.item())
    _decoding(proposals, head.bbox_coder.stds,
              part.dequantize[1].scale.item())
    return proposals


def _features(extractor: nn.Module, part: IntPart,
              pyramid: list[float]) -> IntFeatures:
    layer, strides = extractor.roi_layers[0], list(extractor.featmap_strides)
    features = IntFeatures(
        strides, level_areas(len(strides), extractor.finest_scale),
        layer.output_size[0], layer.sampling_ratio, part.bits)
    for narrow, scale in zip(features.narrow, pyramid):
        _rescale(narrow, scale / part.quantize[0].scale.item())
    return features


def _boxes(detector: nn.Module, parts: Mapping[str, IntPart],
           pyramid: list[float], softmax: ScoreSoftmax) -> IntBoxes:
    roi_head, rules = detector.roi_head, detector.test_cfg.rcnn
    own = stage_parts(parts, 'bbox_head')
    scale, stages = _finest(own), []
    for head, extractor, part in zip(
            listed(roi_head.bbox_head), listed(roi_head.bbox_roi_extractor),
            own, strict=True):
        stage = IntBoxStage(
            _features(extractor, part, pyramid), part.body,
            head.reg_class_agnostic)
        _rescale(stage.to_logits, part.dequantize[0].scale.item() / scale)
        _decoding(stage, head.bbox_coder.stds,
                  part.dequantize[1].scale.item())
        stages.append(stage)
    return IntBoxes(
        stages,
        BoxRules(
            int(rules.score_thr * 2**SCORE_BITS), _most(rules.max_per_img),
            overlap_of(rules.nms)), softmax)


def _masks(detector: nn.Module, parts: Mapping[str, IntPart],
           pyramid: list[float]) -> IntMasks:
    step, stages = MASK_REACH / 127, []
    for extractor, part in zip(
            listed(detector.roi_head.mask_roi_extractor),
            stage_parts(parts, 'mask_head'), strict=True):
        stage = IntMaskStage(_features(extractor, part, pyramid), part.body)
        _rescale(stage.to_code, part.dequantize[0].scale.item() / step)
        stage.table.copy_(_sigmoid(step))
        stages.append(stage)
    return IntMasks(stages)


def _sigmoid(step: float) -> Tensor:
    """Probabilities of the codes from -128 on, 14 fractional bits."""
    x = torch.arange(-128, 128, dtype=torch.float64) * step
    return (x.sigmoid() * 2**PROBABILITY_BITS).round().to(torch.int16)
