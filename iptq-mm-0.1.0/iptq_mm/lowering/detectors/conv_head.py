"""mmdet's RPN, RetinaNet, box and mask heads -> their integer layers."""
from collections.abc import Mapping

import torch
from mmdet.models.dense_heads import RetinaHead, RPNHead
from mmdet.models.roi_heads.bbox_heads import (
    ConvFCBBoxHead,
    Shared2FCBBoxHead,
    Shared4Conv1FCBBoxHead,
)
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from torch import nn

from ...assignment import Layer
from ...calibration import Site, output_site
from ...functions.base import Candidate
from ...models.detectors.bbox_head import bbox_plan
from ...models.detectors.conv_head import HeadLayer, HeadPlan, integer_head
from ...models.detectors.mask_head import mask_plan
from ...models.detectors.part import IntPart
from ...models.detectors.retina_head import retina_plan
from ...models.detectors.rpn_head import rpn_plan
from ..linear import END_BITS
from ..lowering import lowering_of
from ..rounding.rounding import Roundings
from ..same import check_parameters
from ..scale import scale_of
from ..transformer.block import BlockNames
from ..transformer.filling import set_scale
from .convolution import check_type, lower_convolution, moments_sites


class ConvHeadLowering:
    """A head of convolutions and linear layers -> :class:`IntPart`; a
    ``Lowering``.

    What it lowers is the head's layers, not the head: the borders and the
    integer region that a registered integer head has as ``layers``.

    Args:
        head (nn.Module): Float.
        plan (HeadPlan): Its layers.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Raises:
        TypeError: If a layer has no integer form.
    """

    def __init__(self, head: nn.Module, plan: HeadPlan,
                 bits: Mapping[str, int]):
        integer_head(head, plan, bits)
        check_parameters(head, (f'{layer.name}.{kind}'
                                for layer in plan.layers()
                                for kind in ('weight', 'bias')))
        self.head, self.plan, self.bits = head, plan, bits

    def sites(self) -> dict[str, Site]:
        first = (self.plan.trunk or self.plan.branches[0])[0].name
        last = [branch[-1] for branch in self.plan.branches]
        sites = {'input': Site(first, 'input', self.bits['activation'])}
        for layer in self.plan.layers():
            # ReLU only clips: the site is what is left of the output.
            select = torch.relu if layer.relu else None
            sites[f'{layer.name}:output'] = (
                output_site(layer.name, self.bits['output'], select)
                if layer in last else
                Site(layer.name, 'output', self.bits['activation'], select))
        return sites

    def nonlinear_layers(self) -> dict[str, str]:
        return {}

    def linears(self) -> dict[str, Site]:
        return moments_sites(self.head,
                             (layer.name for layer in self.plan.layers()),
                             self.bits['activation'])

    def readers(self) -> dict[str, str]:
        return {}

    def blocks(self) -> list[BlockNames]:
        return []

    def layers(self, thresholds: Mapping[str, float]) -> dict[str, Layer]:
        return {}

    def lower(self, thresholds: Mapping[str, float],
              functions: Mapping[str, Candidate],
              roundings: Roundings) -> IntPart:
        sites = self.sites()
        scales = {
            name: scale_of(thresholds[name], site.bits)
            for name, site in sites.items()
        }
        part = integer_head(self.head, self.plan, self.bits)

        last = [branch[-1] for branch in self.plan.branches]

        def stack(targets: nn.Sequential, layers: list[HeadLayer],
                  scale: float) -> float:
            for target, layer in zip(targets, layers):
                name, end = layer.name, layer in last
                lower_convolution(target, self.head.get_submodule(name),
                                  scale, scales[f'{name}:output'],
                                  END_BITS if end else self.bits['weight'],
                                  roundings, name)
                scale = scales[f'{name}:output']
            return scale

        set_scale(part.quantize[0].scale, scales['input'])
        trunk = stack(part.body.trunk, self.plan.trunk, scales['input'])
        for target, layers, dequantize in zip(
                part.body.branches, self.plan.branches, part.dequantize):
            set_scale(dequantize.scale, stack(target, layers, trunk))
        return part.eval()


@lowering_of.register(RPNHead)
def _(head: RPNHead, bits: Mapping[str, int]) -> ConvHeadLowering:
    check_type(head, RPNHead)
    return ConvHeadLowering(head, rpn_plan(head), bits)


@lowering_of.register(RetinaHead)
def _(head: RetinaHead, bits: Mapping[str, int]) -> ConvHeadLowering:
    check_type(head, RetinaHead)
    return ConvHeadLowering(head, retina_plan(head), bits)


@lowering_of.register(ConvFCBBoxHead)
def _(head: ConvFCBBoxHead, bits: Mapping[str, int]) -> ConvHeadLowering:
    check_type(head, ConvFCBBoxHead, Shared2FCBBoxHead,
               Shared4Conv1FCBBoxHead)
    return ConvHeadLowering(head, bbox_plan(head), bits)


@lowering_of.register(FCNMaskHead)
def _(head: FCNMaskHead, bits: Mapping[str, int]) -> ConvHeadLowering:
    check_type(head, FCNMaskHead)
    return ConvHeadLowering(head, mask_plan(head), bits)
