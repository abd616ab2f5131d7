"""The steps between the parts of a detector, and which of them have an integer
form.

Semantics are those of mmdet's test; a step that an integer program would take
otherwise is refused by name.
"""
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from mmdet.models.dense_heads.anchor_head import AnchorHead
from mmdet.models.detectors import (
    CascadeRCNN,
    FasterRCNN,
    MaskRCNN,
    RetinaNet,
)
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmdet.models.task_modules.prior_generators import AnchorGenerator
from torch import nn

FAMILY = (FasterRCNN, MaskRCNN, CascadeRCNN, RetinaNet)
"""mmdet's detectors that become one integer program."""

_NMS_KEYS = {'type', 'iou_threshold', 'split_thr'}
"""``split_thr`` only says how many boxes mmcv compares at once."""


def listed(value: Any) -> list:
    """A cascade has a list where others have one module."""
    return list(value) if isinstance(value, nn.ModuleList) else [value]


def overlap_of(nms: Mapping[str, Any]) -> tuple[int, int]:
    """The threshold of an ``nms`` config as the fraction that its decimals
    are: numerator and denominator."""
    threshold = Fraction(str(nms['iou_threshold']))
    return threshold.numerator, threshold.denominator


def check_steps(detector: nn.Module) -> None:
    """Refuse a detector one of whose steps has no integer form.

    Args:
        detector (nn.Module): Float, or with integer parts.

    Raises:
        TypeError: Naming the step.
    """
    if not hasattr(detector, 'roi_head'):
        _check_anchors(detector.bbox_head, 'bbox_head')
        _check_nms(detector.test_cfg.nms, 'test_cfg.nms')
        return
    roi_head = detector.roi_head
    _require(type(roi_head) in (StandardRoIHead, CascadeRoIHead)
             and not roi_head.with_shared_head,
             f'a roi_head of type {type(roi_head).__name__}')
    _check_anchors(detector.rpn_head, 'rpn_head')
    _check_nms(detector.test_cfg.rpn.nms, 'test_cfg.rpn.nms')
    rules = detector.test_cfg.rcnn
    _check_nms(rules.nms, 'test_cfg.rcnn.nms')
    for head in listed(roi_head.bbox_head):
        _check_bbox_head(head)
    extractors = listed(roi_head.bbox_roi_extractor)
    if roi_head.with_mask:
        extractors += listed(roi_head.mask_roi_extractor)
        threshold = rules.get('mask_thr_binary', 0.5)
        _require(threshold > 0,
                 f'test_cfg.rcnn.mask_thr_binary={threshold} (soft masks)')
    for extractor in extractors:
        _check_extractor(extractor)


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise TypeError(f'{what} has no integer form')


def _check_nms(nms: Mapping[str, Any], name: str) -> None:
    _require(
        nms.get('type', 'nms') == 'nms' and set(nms) <= _NMS_KEYS,
        f'{name}={dict(nms)}; only type nms with an iou_threshold')
    denominator = overlap_of(nms)[1]
    _require(denominator <= 2**14,
             f'{name}.iou_threshold={nms["iou_threshold"]}, no fraction of '
             f'at most {2**14}ths,')


def _check_coder(coder: Any, name: str) -> None:
    _require(
        type(coder) is DeltaXYWHBBoxCoder and not any(coder.means)
        and coder.clip_border and not coder.add_ctr_clamp,
        f'the bbox_coder of the {name}, {type(coder).__name__}: only a '
        f'DeltaXYWHBBoxCoder with target_means of 0 that clips to the image')


def _check_anchors(head: AnchorHead, name: str) -> None:
    generator = head.prior_generator
    _require(
        type(generator) is AnchorGenerator
        and all(x == y for x, y in generator.strides),
        f'the {name} with {type(generator).__name__}')
    _require(head.use_sigmoid_cls, f'the {name} with Softmax, not sigmoid,')
    _check_coder(head.bbox_coder, name)


def _check_bbox_head(head: BBoxHead) -> None:
    _require(head.with_cls and head.with_reg,
             'a bbox_head without scores or boxes')
    _require(not getattr(head.loss_cls, 'use_sigmoid', False)
             and not head.custom_cls_channels,
             f'a bbox_head with {type(head.loss_cls).__name__}, not Softmax,')
    _check_coder(head.bbox_coder, 'bbox_head')


def _check_extractor(extractor: nn.Module) -> None:
    _require(type(extractor) is SingleRoIExtractor,
             f'a {type(extractor).__name__}')
    for layer in extractor.roi_layers:
        _require(
            type(layer).__name__ == 'RoIAlign' and layer.aligned
            and layer.pool_mode == 'avg'
            and layer.output_size[0] == layer.output_size[1],
            f'a roi_layer {layer}; only a square RoIAlign, aligned, of means,')
