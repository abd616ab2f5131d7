"""The ``model`` of a config, with integer modules in the place of float ones.
"""
from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mmengine.config import ConfigDict
from torch import nn

from ...models.detectors.program import SCORES

INTEGER_TYPES = dict(
    FPN=dict(type='iptq_mm.IntFPN'),
    RPNHead=dict(type='iptq_mm.IntRPNHead'),
    RetinaHead=dict(type='iptq_mm.IntRetinaHead'),
    ConvFCBBoxHead=dict(type='iptq_mm.IntConvFCBBoxHead'),
    Shared2FCBBoxHead=dict(
        type='iptq_mm.IntConvFCBBoxHead', num_shared_fcs=2),
    Shared4Conv1FCBBoxHead=dict(
        type='iptq_mm.IntConvFCBBoxHead', num_shared_convs=4,
        num_shared_fcs=1),
    FCNMaskHead=dict(type='iptq_mm.IntFCNMaskHead'))
"""What becomes of a neck or head of mmdet."""


def int_model_config(model: Mapping[str, Any], functions: Mapping[str, str],
                     bits: Mapping[str, int], scope: str,
                     preprocessor: Mapping[str, Any] | None) -> ConfigDict:
    """The config of an integer detector.

    Args:
        model (Mapping): Of the float one.
        functions (Mapping[str, str]): Non-linear layer -> candidate.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
        scope (str): ``backbone`` or ``all``.
        preprocessor (Mapping | None): Config of the data preprocessor, where
            the integer model takes pixels.

    Returns:
        ConfigDict: Says nothing of pre-trained weights.
    """
    result = ConfigDict(copy.deepcopy(dict(model)))
    backbone, functions = result.backbone, dict(functions)
    for key in ('init_cfg', 'pretrained'):
        backbone.pop(key, None)
    backbone.type = 'iptq_mm.IntSwinTransformer'
    softmax = functions.pop(SCORES, None)
    backbone.functions, backbone.bits = functions, dict(bits)
    if preprocessor is not None:
        result.data_preprocessor = dict(preprocessor)
        backbone.input = 'uint8'
    if scope == 'all':
        stages = 'Two' if 'roi_head' in result else 'Single'
        result.type = f'iptq_mm.Int{stages}StageDetector'
        result.softmax = softmax
        roi_head = result.get('roi_head', {})
        for part in (result.neck, result.get('rpn_head'),
                     result.get('bbox_head'), roi_head.get('bbox_head'),
                     roi_head.get('mask_head')):
            # A cascade has a list of heads, or one config for all of them.
            for config in part if isinstance(part, list) else [part]:
                if config is not None:
                    name = config['type'].rpartition('.')[2]
                    config.pop('norm_cfg', None)  # it was folded
                    config.update(INTEGER_TYPES[name], bits=dict(bits))
    return result


def int_classifier_config(model: Mapping[str, Any], network: nn.Module,
                          functions: Mapping[str, str],
                          bits: Mapping[str, int],
                          preprocessor: Mapping[str, Any] | None
                          ) -> ConfigDict:
    """The config of an integer classifier.

    Args:
        model (Mapping): Of the float one, a ``TimmClassifier``.
        network (nn.Module): The integer network; its ``structure`` is what
            it is rebuilt from.
        functions (Mapping[str, str]): Non-linear layer -> candidate.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
        preprocessor (Mapping | None): Config of the data preprocessor, where
            the integer model takes pixels.

    Returns:
        ConfigDict: With the normalization of the float one, and nothing of
        its weights.
    """
    pixels = {} if preprocessor is None else dict(
        data_preprocessor=dict(preprocessor))
    return ConfigDict(
        type=model['type'],
        name=model['name'],
        backbone=dict(
            type=f'iptq_mm.{type(network).__name__}',
            **asdict(network.structure),
            functions=dict(functions),
            bits=dict(bits),
            input='uint8' if pixels else 'normalized'),
        **pixels)
