"""Float models to compare runtimes on; their weights are seeded noise.

How fast a runtime is does not depend on what the weights are.
"""
from collections.abc import Sequence

import timm
import torch
from mmdet.models.backbones.swin import SwinTransformer
from mmdet.registry import MODELS as DETECTORS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.config import ConfigDict
from mmengine.hub import get_config
from torch import Tensor, nn

BACKBONES = dict(
    swin_nano=dict(
        embed_dims=32, depths=(2, 2, 4, 2), num_heads=(1, 2, 4, 8)),
    swin_t=dict(
        embed_dims=96, depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24)),
    swin_s=dict(
        embed_dims=96, depths=(2, 2, 18, 2), num_heads=(3, 6, 12, 24)),
    swin_b=dict(
        embed_dims=128, depths=(2, 2, 18, 2), num_heads=(4, 8, 16, 32)))
"""Arguments of mmdet's ``SwinTransformer``, all with windows of 7."""

CLASSIFIERS = dict(
    deit_t='deit_tiny_patch16_224',
    deit_s='deit_small_patch16_224',
    vit_b='vit_base_patch16_224')
"""Names in timm."""

MASK_RCNN = 'mask_rcnn_swin_t'

MODELS = (*BACKBONES, *CLASSIFIERS, MASK_RCNN)


def mask_rcnn_config() -> ConfigDict:
    """mmdet's Mask R-CNN on Swin-T, without pretrained weights."""
    config = get_config(
        'mmdet::swin/mask-rcnn_swin-t-p4-w7_fpn_1x_coco.py').model
    config.backbone.init_cfg = None
    return config


def sample(size: Sequence[int]) -> DetDataSample:
    """What mmdet is told of an image of that height and width."""
    size = tuple(size)
    return DetDataSample(
        metainfo=dict(
            img_id=0, img_shape=size, ori_shape=size, batch_input_shape=size,
            scale_factor=(1., 1.)))


class Detection(nn.Module):
    """A detector from normalized images to its detections.

    Args:
        detector (nn.Module): mmdet's.
    """

    def __init__(self, detector: nn.Module):
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> list[DetDataSample]:
        """float32 [B, 3, H, W] -> boxes, labels, scores and masks of each."""
        return self.detector.predict(
            images, [sample(image.shape[1:]) for image in images])


def seeded_images(shape: tuple[int, int, int, int]) -> Tensor:
    """Normal noise, float32 [B, 3, H, W]."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def default_size(name: str) -> tuple[int, int]:
    """Height and width of the images that a model is usually run on."""
    return (800, 1216) if name == MASK_RCNN else (224, 224)


def float_model(name: str, size: tuple[int, int]) -> nn.Module:
    """A stock model in evaluation mode.

    Args:
        name (str): One of ``MODELS``.
        size (tuple[int, int]): Height and width of its images, which the
            position embedding of a ViT must know.

    Returns:
        nn.Module: From float32 [B, 3, H, W] to features, logits or
        detections.
    """
    torch.manual_seed(0)
    if name in BACKBONES:
        model = SwinTransformer(**BACKBONES[name])
    elif name in CLASSIFIERS:
        model = timm.create_model(CLASSIFIERS[name], img_size=size)
    else:
        register_all_modules()
        model = Detection(DETECTORS.build(mask_rcnn_config()))
    model.eval()
    for weight in model.parameters():
        if weight.dim() > 1:
            nn.init.normal_(weight, std=weight[0].numel()**-0.5)
    return model
