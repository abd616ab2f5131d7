"""mmdet's FPN -> its integer layers."""
from collections.abc import Mapping

from mmdet.models.necks import FPN

from ...assignment import Layer
from ...calibration import Site, output_site
from ...functions.base import Candidate
from ...models.detectors.fpn import integer_pyramid
from ...models.detectors.part import IntPart
from ..lowering import lowering_of
from ..rounding.rounding import Roundings
from ..same import check_parameters
from ..scale import dyadic_tensors, fill, scale_of
from ..transformer.block import BlockNames
from ..transformer.filling import set_scale
from .convolution import check_type, lower_convolution, moments_sites


@lowering_of.register(FPN)
class FPNLowering:
    """An FPN -> :class:`IntPart`; a ``Lowering``.

    Args:
        fpn (FPN): Float.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.

    Raises:
        TypeError: If it has more than a plain FPN.
    """

    def __init__(self, fpn: FPN, bits: Mapping[str, int]):
        check_type(fpn, FPN)
        integer_pyramid(fpn, bits)
        self.fpn, self.bits = fpn, bits
        self.levels = range(len(fpn.lateral_convs))
        check_parameters(fpn, (f'{name}.{kind}' for i in self.levels
                               for name in self._names(i)
                               for kind in ('weight', 'bias')))

    def sites(self) -> dict[str, Site]:
        activation = self.bits['activation']
        sites = {}
        for i in self.levels:
            lateral, output = self._names(i)
            sites[f'input{i}'] = Site(lateral, 'input', activation)
            sites[f'lateral{i}'] = Site(lateral, 'output', 16)
            sites[f'sum{i}'] = Site(output, 'input', 16)
            sites[f'narrow{i}'] = Site(output, 'input', activation)
            sites[f'output{i}'] = output_site(output, self.bits['output'])
        return sites

    def nonlinear_layers(self) -> dict[str, str]:
        return {}

    def linears(self) -> dict[str, Site]:
        names = [name for i in self.levels for name in self._names(i)]
        return moments_sites(self.fpn, names, self.bits['activation'])

    def readers(self) -> dict[str, str]:
        return {}

    def blocks(self) -> list[BlockNames]:
        return []

    def layers(self, thresholds: Mapping[str, float]) -> dict[str, Layer]:
        return {}

    def lower(self, thresholds: Mapping[str, float],
              functions: Mapping[str, Candidate],
              roundings: Roundings) -> IntPart:
        scales = {
            name: scale_of(thresholds[name], site.bits)
            for name, site in self.sites().items()
        }
        # One scale for all that is added, and so for all sums.
        stream = max(scales[f'{kind}{i}'] for i in self.levels
                     for kind in ('lateral', 'sum'))
        part = integer_pyramid(self.fpn, self.bits)
        for i in self.levels:
            lateral, output = (self.fpn.get_submodule(name)
                               for name in self._names(i))
            narrow = part.body.requantize[i]
            weight = self.bits['weight']
            set_scale(part.quantize[i].scale, scales[f'input{i}'])
            lower_convolution(part.body.laterals[i], lateral,
                              scales[f'input{i}'], stream, weight,
                              roundings(self._names(i)[0]))
            for buffer, value in zip(
                (narrow.m, narrow.n),
                    dyadic_tensors(stream / scales[f'narrow{i}'])):
                fill(buffer, value)
            lower_convolution(part.body.outputs[i], output,
                              scales[f'narrow{i}'], scales[f'output{i}'],
                              weight, roundings(self._names(i)[1]))
        for i, dequantize in enumerate(part.dequantize):
            # The extra levels are made of the last one's integers.
            level = min(i, self.levels[-1])
            set_scale(dequantize.scale, scales[f'output{level}'])
        return part.eval()

    @staticmethod
    def _names(level: int) -> tuple[str, str]:
        return f'lateral_convs.{level}.conv', f'fpn_convs.{level}.conv'
