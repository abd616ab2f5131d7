"""BatchNorm of necks and heads -> the convolutions before it."""
from mmcv.cnn import ConvModule
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_norms(part: nn.Module) -> None:
    """Multiply the BatchNorms of a neck or head into the convolutions that
    they follow, in place.

    In a test BatchNorm is a factor and a summand of each channel, and so is
    a synchronized one: what the part computes stays, but for the rounding of
    floats. Other norms, and one that comes before its convolution or keeps no
    statistics, stay.

    Args:
        part (nn.Module): Float, in evaluation mode.
    """
    for module in part.modules():
        if isinstance(module, ConvModule) and _is_foldable(module):
            module.conv = fuse_conv_bn_eval(module.conv, module.norm)
            delattr(module, module.norm_name)
            module.norm_name, module.with_norm = None, False


def _is_foldable(module: ConvModule) -> bool:
    return (module.with_norm and isinstance(module.norm, _BatchNorm)
            and module.norm.running_mean is not None
            and type(module.conv) is nn.Conv2d
            and module.order.index('norm') == module.order.index('conv') + 1)
