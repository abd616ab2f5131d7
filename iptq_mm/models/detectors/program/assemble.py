"""The integer parts of a detector, put together as one integer program.

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
from ....compat import zip_strict
from ....nn import IntRequantize
from ....ops.detection.boxes import COORDINATE_BITS, DELTA_BITS, level_areas
from ....ops.detection.masks import PROBABILITY_BITS
from ..part import IntPart
from .anchors import ALL, AnchorRules, IntAnchorHead
from .boxes import BoxRules, IntBoxes, IntBoxStage
from .dense import IntDenseBoxes, sigmoid
from .features import IntFeatures
from .masks import IntMasks, IntMaskStage
from .one_stage import IntOneStage
from .proposals import IntProposals
from .rcnn import IntRCNN
from .scores import SCORE_BITS, ScoreSoftmax
from .steps import check_steps, listed, overlap_of
from .trunk import IntTrunk

MASK_REACH = 8.
"""Mask logits beyond it are cut off: sigmoid is within 0.0004 of 0 or 1."""


def assemble_rcnn(detector: nn.Module, parts: Mapping[str, IntPart],
                  softmax: ScoreSoftmax) -> IntRCNN:
    """Chain the integer parts of a two-stage detector.

    Args:
        detector (nn.Module): Of the R-CNN family, its backbone integer: it
            tells the anchors, the coders and what is kept.
        parts (Mapping[str, IntPart]): Its neck and heads, by the part's name.
        softmax (ScoreSoftmax): Of the class scores, lowered for the scale
            :func:`score_scale`.

    Returns:
        IntRCNN: Shares the modules of its parts.

    Raises:
        TypeError: If a step of the detector has no integer form.
    """
    check_steps(detector)
    pyramid, rules = _pyramid(parts), detector.test_cfg.rpn
    return IntRCNN(
        _trunk(detector, parts),
        IntProposals(
            _anchor_head(detector.rpn_head, rules, parts['rpn_head'], pyramid,
                         ALL), _most(rules.max_per_img),
            overlap_of(rules.nms)),
        _boxes(detector, parts, pyramid, softmax),
        _masks(detector, parts, pyramid)
        if detector.roi_head.with_mask else None).eval()


def assemble_one_stage(detector: nn.Module, parts: Mapping[str, IntPart],
                       softmax: ScoreSoftmax) -> IntOneStage:
    """Chain the integer parts of a one-stage detector; see
    :func:`assemble_rcnn`."""
    check_steps(detector)
    rules = detector.test_cfg
    least = _least_logit(softmax, rules.get('score_thr', 0.))
    return IntOneStage(
        _trunk(detector, parts),
        IntDenseBoxes(
            _anchor_head(detector.bbox_head, rules, parts['bbox_head'],
                         _pyramid(parts), least), softmax,
            _most(rules.max_per_img), overlap_of(rules.nms))).eval()


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
    """Real value of a step of what Softmax of class scores reads: in an R-CNN
    the sum of the stages' logits, which stands for their mean."""
    if 'bbox_head' in parts:
        return parts['bbox_head'].dequantize[0].scale.item()
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


def _pyramid(parts: Mapping[str, IntPart]) -> list[float]:
    """Scales of its levels."""
    return [border.scale.item() for border in parts['neck'].dequantize]


def _trunk(detector: nn.Module, parts: Mapping[str, IntPart]) -> IntTrunk:
    backbone, neck = detector.backbone, parts['neck']
    first = detector.neck.start_level
    trunk = IntTrunk(backbone.body, neck.body, first, len(neck.quantize),
                     neck.bits)
    for narrow, source, target in zip(
            trunk.narrow, backbone.dequantize[first:], neck.quantize):
        _rescale(narrow, source.scale.item() / target.scale.item())
    return trunk


def _anchor_head(head: nn.Module, rules: Mapping[str, Any], part: IntPart,
                 pyramid: list[float], least_logit: int) -> IntAnchorHead:
    generator = head.prior_generator
    strides = [stride[0] for stride in generator.strides]
    anchors = torch.stack(generator.base_anchors).double().cpu()
    found = IntAnchorHead(
        part.body, strides,
        (anchors * 2**COORDINATE_BITS).round().to(torch.int32),
        AnchorRules(
            _most(rules.get('nms_pre', -1)), least_logit,
            int(rules.get('min_bbox_size', -1) * 2**COORDINATE_BITS)),
        part.bits)
    for narrow, scale in zip(found.narrow, pyramid):
        _rescale(narrow, scale / part.quantize[0].scale.item())
    _decoding(found, head.bbox_coder.stds, part.dequantize[1].scale.item())
    return found


def _least_score(threshold: float) -> int:
    """int32, in the fractional bits of a score; one above 1 stays above."""
    return min(int(threshold * 2**SCORE_BITS), 2**31 - 1)


def _least_logit(softmax: ScoreSoftmax, least_score: float) -> int:
    """The largest of 16 bits whose probability is not above the score."""
    logits = torch.arange(-2**15, 2**15)
    scores = sigmoid(logits.to(softmax.params.device), softmax)
    below = (scores <= _least_score(least_score)).nonzero()
    return int(logits[below.max()]) if len(below) else ALL


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
    for head, extractor, part in zip_strict(
            listed(roi_head.bbox_head), listed(roi_head.bbox_roi_extractor),
            own):
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
            _least_score(rules.score_thr), _most(rules.max_per_img),
            overlap_of(rules.nms)), softmax)


def _masks(detector: nn.Module, parts: Mapping[str, IntPart],
           pyramid: list[float]) -> IntMasks:
    step, stages = MASK_REACH / 127, []
    for extractor, part in zip_strict(
            listed(detector.roi_head.mask_roi_extractor),
            stage_parts(parts, 'mask_head')):
        stage = IntMaskStage(_features(extractor, part, pyramid), part.body)
        _rescale(stage.to_code, part.dequantize[0].scale.item() / step)
        stage.table.copy_(_sigmoid(step))
        stages.append(stage)
    return IntMasks(stages)


def _sigmoid(step: float) -> Tensor:
    """Probabilities of the codes from -128 on, 14 fractional bits."""
    x = torch.arange(-128, 128, dtype=torch.float64) * step
    return (x.sigmoid() * 2**PROBABILITY_BITS).round().to(torch.int16)
