"""mmdet's FPN on integers (Lin et al., arXiv:1612.03144, figure 3)."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmdet.models.necks import FPN
from torch import Tensor, nn

from ... import ops
from ...nn import IntConv2d, IntRequantize, upsample_nearest
from ...registry import MODELS
from .part import IntPart
from .swin_backbone import DEFAULT_BITS


class IntExtraConv(nn.Module):
    """A coarser level by a convolution of stride 2.

    Args:
        channels (int): C.
        out_channels (int): N.
        narrow (bool): Whether it reads more than 8 bits.
        relu (bool): Whether ReLU goes first.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """

    def __init__(self, channels: int, out_channels: int, narrow: bool,
                 relu: bool, bits: Mapping[str, int]):
        super().__init__()
        self.relu = relu
        self.narrow = (IntRequantize(bits['activation'])
                       if narrow else nn.Identity())
        self.conv = IntConv2d(channels, out_channels, 3, 2, 1, False,
                              bits['output'])

    def forward(self, x: Tensor) -> Tensor:
        """int8 or int16 [B, H, W, C] -> integers [B, H', W', N]."""
        x = self.narrow(x)
        return self.conv(x.clamp(min=0) if self.relu else x)


class IntSubsampling(nn.Module):
    """A coarser level of every second position of the one before: a max
    pooling with a window of one."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, H, W, C] -> [B, H', W', C]."""
        return x[:, ::2, ::2]


class IntPyramid(nn.Module):
    """The integer region of an FPN.

    The laterals are int16 at one scale, so that the top-down additions are
    exact but for saturation. int8 [B, H_i, W_i, C_i] of each level ->
    integers [B, H_i, W_i, N] of each level and of the coarser ones.

    Args:
        in_channels (Sequence[int]): C_i, fine to coarse.
        out_channels (int): N.
        coarser (Sequence[nn.Module]): What makes each coarser level of the
            one before.
        source (str): What the first of them reads, of the coarsest level:
            its ``'on_input'``, ``'on_lateral'`` or ``'on_output'``.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """

    integer_region = True

    def __init__(self, in_channels: Sequence[int], out_channels: int,
                 coarser: Sequence[nn.Module], source: str,
                 bits: Mapping[str, int]):
        super().__init__()
        self.source = source
        self.laterals = nn.ModuleList(
            IntConv2d(channels, out_channels, 1, 1, 0, False, 16)
            for channels in in_channels)
        self.requantize = nn.ModuleList(
            IntRequantize(bits['activation']) for _ in in_channels)
        self.outputs = nn.ModuleList(
            IntConv2d(out_channels, out_channels, 3, 1, 1, False,
                      bits['output']) for _ in in_channels)
        self.coarser = nn.ModuleList(coarser)

    def forward(self, *features: Tensor) -> tuple[Tensor, ...]:
        levels = [
            lateral(x) for lateral, x in zip(self.laterals, features)
        ]
        for i in reversed(range(len(levels) - 1)):
            above = upsample_nearest(levels[i + 1], *levels[i].shape[1:3])
            levels[i] = ops.add(levels[i], above)
        outputs = [
            output(requantize(x)) for output, requantize, x in zip(
                self.outputs, self.requantize, levels)
        ]
        x = dict(on_input=features, on_lateral=levels,
                 on_output=outputs)[self.source][-1]
        for coarser in self.coarser:
            x = coarser(x)
            outputs.append(x)
        return tuple(outputs)


def integer_pyramid(fpn: FPN, bits: Mapping[str, int]) -> IntPart:
    """The empty integer form of a float FPN.

    Raises:
        TypeError: If it has anything but plain convolutions, nearest
            up-sampling and max pooling.
    """
    plain = not any(
        module.with_norm or module.with_activation or module.conv_cfg
        for module in (*fpn.lateral_convs, *fpn.fpn_convs))
    if not plain or dict(fpn.upsample_cfg) != dict(mode='nearest'):
        raise TypeError(
            'FPN with norms other than BatchNorm, activations or an '
            'up-sampling other than nearest; only a plain FPN has an integer '
            'form')
    in_channels = fpn.in_channels[fpn.start_level:fpn.backbone_end_level]
    extra = range(fpn.num_outs - len(fpn.lateral_convs))
    source, coarser = 'on_output', [IntSubsampling() for _ in extra]
    if fpn.add_extra_convs:
        source = fpn.add_extra_convs
        coarser = [
            IntExtraConv(
                in_channels[-1] if source == 'on_input' and i == 0 else
                fpn.out_channels, fpn.out_channels,
                source != 'on_input' or i > 0,
                fpn.relu_before_extra_convs and i > 0, bits) for i in extra
        ]
    return IntPart(
        IntPyramid(in_channels, fpn.out_channels, coarser, source, bits),
        len(in_channels), fpn.num_outs, bits['activation'])


@MODELS.register_module()
class IntFPN(FPN):
    """An FPN that is integer-only.

    Args:
        bits (Mapping[str, int], optional): Widths, see
            ``IntSwinTransformer``.
        *args, **kwargs: As mmdet's ``FPN``.
    """

    def __init__(self, *args, bits: Mapping[str, int] | None = None,
                 **kwargs):
        super().__init__(*args, **kwargs)
        self.layers = integer_pyramid(self, {**DEFAULT_BITS, **(bits or {})})
        del self.lateral_convs, self.fpn_convs
        self.init_cfg = None  # names layers that are gone

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """float32 [B, C_i, H_i, W_i] of each level of the backbone -> float32
        [B, N, H_i, W_i] of each level of the pyramid."""
        return self.layers(*inputs[self.start_level:self.backbone_end_level])
