"""Small networks of timm and their integer twins, below the engine."""
import torch
from timm.models.deit import VisionTransformerDistilled
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer

from iptq_mm.lowering import watchable

from quantized import quantized

VIT = dict(
    img_size=32, patch_size=8, num_classes=10, embed_dim=48, depth=2,
    num_heads=3)
SWIN = dict(
    img_size=32, patch_size=2, num_classes=10, embed_dim=16, depths=(2, 2),
    num_heads=(1, 2), window_size=4)


def lively(network, seed=0):
    """Seeded weights that give a signal at every site."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1 or name.endswith('bias'):
            parameter.data.normal_(
                0, 0.5 * parameter.shape[-1]**-0.5, generator=generator)
        elif name.endswith('gamma'):
            parameter.data.uniform_(0.2, 1, generator=generator)
    return network.eval()


def float_vit(**config):
    return lively(VisionTransformer(**{**VIT, **config}))


def float_deit(**config):
    return lively(VisionTransformerDistilled(**{**VIT, **config}))


def float_timm_swin(**config):
    return lively(SwinTransformer(**{**SWIN, **config}))


def images(count=4, side=32, seed=1):
    """float32 [count, 3, side, side]."""
    return torch.randn(
        count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def integer_twin(network, batch, **settings):
    """Calibrated on one batch."""
    return quantized(watchable(network), batch, **settings)
