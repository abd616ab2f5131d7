"""mmdet's FPN on integers (Lin et al., arXiv:1612.03144, figure 3)."""
from collections.abc import Mapping, Sequence

from mmdet.models.necks import FPN
from torch import Tensor, nn

from ... import ops
from ...nn import IntConv2d, IntRequantize, upsample_nearest
from ...registry import MODELS
from .part import IntPart
from .swin_backbone import DEFAULT_BITS


class IntPyramid(nn.Module):
    """The integer region of an FPN.

    The laterals are int16 at one scale, so that the top-down additions are
    exact but for saturation. int8 [B, H_i, W_i, C_i] of each level ->
    integers [B, H_i, W_i, N] of each level and of ``extra`` coarser ones.

    Args:
        in_channels (Sequence[int]): C_i, fine to coarse.
        out_channels (int): N.
        extra (int): Levels that take every second position of the one
            before: a max pooling with a window of one.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """

    integer_region = True

    def __init__(self, in_channels: Sequence[int], out_channels: int,
                 extra: int, bits: Mapping[str, int]):
        super().__init__()
        self.extra = extra
        self.laterals = nn.ModuleList(
            IntConv2d(channels, out_channels, 1, 1, 0, False, 16)
            for channels in in_channels)
        self.requantize = nn.ModuleList(
            IntRequantize(bits['activation']) for _ in in_channels)
        self.outputs = nn.ModuleList(
            IntConv2d(out_channels, out_channels, 3, 1, 1, False,
                      bits['output']) for _ in in_channels)

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
        for _ in range(self.extra):
            outputs.append(outputs[-1][:, ::2, ::2])
        return tuple(outputs)


def integer_pyramid(fpn: FPN, bits: Mapping[str, int]) -> IntPart:
    """The empty integer form of a float FPN.

    Raises:
        TypeError: If it has anything but plain convolutions, nearest
            up-sampling and max pooling.
    """
    extras = fpn.add_extra_convs and fpn.num_outs > len(fpn.lateral_convs)
    plain = not any(
        module.with_norm or module.with_activation or module.conv_cfg
        for module in (*fpn.lateral_convs, *fpn.fpn_convs))
    if extras or not plain or dict(fpn.upsample_cfg) != dict(mode='nearest'):
        raise TypeError(
            'FPN with extra convolutions, norms other than BatchNorm, '
            'activations or an up-sampling other than nearest; only a plain '
            'FPN has an integer form')
    levels = slice(fpn.start_level, fpn.backbone_end_level)
    extra = fpn.num_outs - len(fpn.lateral_convs)
    in_channels = fpn.in_channels[levels]
    return IntPart(
        IntPyramid(in_channels, fpn.out_channels, extra, bits),
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
