"""mmdet's FPN -> its integer layers."""
from collections.abc import Mapping

from mmdet.models.necks import FPN

from ...assignment import Layer
from ...calibration import Site, output_site
from ...functions.base import Candidate
from ...models.detectors.fpn import IntExtraConv, integer_pyramid
from ...models.detectors.part import IntPart
from ...nn import IntRequantize
from ..lowering import lowering_of
from ..rounding.rounding import Roundings
from ..same import check_parameters
from ..scale import fill_ratio, scale_of
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
        # Convolutions after those of the levels, if any.
        self.coarser = range(len(self.levels), len(fpn.fpn_convs))
        check_parameters(fpn, (f'{name}.{kind}' for name in self._all_names()
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
        for i in self.coarser:
            _, output = self._names(i)
            sites[f'narrow{i}'] = Site(output, 'input', activation)
            sites[f'output{i}'] = output_site(output, self.bits['output'])
        return sites

    def nonlinear_layers(self) -> dict[str, str]:
        return {}

    def linears(self) -> dict[str, Site]:
        return moments_sites(self.fpn, self._all_names(),
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
                              scales[f'input{i}'], stream, weight, roundings,
                              self._names(i)[0])
            fill_ratio(narrow, stream / scales[f'narrow{i}'])
            lower_convolution(part.body.outputs[i], output,
                              scales[f'narrow{i}'], scales[f'output{i}'],
                              weight, roundings, self._names(i)[1])
        # What the first of the coarser levels reads; the others read outputs.
        source = dict(
            on_input=scales[f'input{self.levels[-1]}'], on_lateral=stream,
            on_output=scales[f'output{self.levels[-1]}'])[part.body.source]
        for i in self.coarser:
            self._lower_coarser(part.body.coarser[i - len(self.levels)], i,
                                source, scales, roundings)
            source = scales[f'output{i}']
        last = (self.coarser or self.levels)[-1]
        for i, dequantize in enumerate(part.dequantize):
            # Levels that are subsampled have the scale of the last one.
            set_scale(dequantize.scale, scales[f'output{min(i, last)}'])
        return part.eval()

    def _lower_coarser(self, target: IntExtraConv, level: int, source: float,
                       scales: Mapping[str, float],
                       roundings: Roundings) -> None:
        _, name = self._names(level)
        if isinstance(target.narrow, IntRequantize):
            fill_ratio(target.narrow, source / scales[f'narrow{level}'])
            source = scales[f'narrow{level}']
        lower_convolution(target.conv, self.fpn.get_submodule(name), source,
                          scales[f'output{level}'], self.bits['weight'],
                          roundings, name)

    def _all_names(self) -> list[str]:
        names = [name for i in self.levels for name in self._names(i)]
        return names + [self._names(i)[1] for i in self.coarser]

    @staticmethod
    def _names(level: int) -> tuple[str, str]:
        return f'lateral_convs.{level}.conv', f'fpn_convs.{level}.conv'
