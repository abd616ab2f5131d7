"""Small detectors: of the R-CNN family, and RetinaNet."""
import torch
from mmengine.hub import get_config

from detectors import runner_of


def nano(name):
    """The config of a detector with few channels that always finds
    something."""
    model = get_config(f'mmdet::_base_/models/{name}_r50_fpn.py').model
    model.backbone = dict(
        type='SwinTransformer', embed_dims=16, depths=[2, 1, 1, 1],
        num_heads=[1, 2, 4, 8], window_size=4)
    model.neck.update(in_channels=[16, 32, 64, 128], out_channels=16)
    model.rpn_head.update(in_channels=16, feat_channels=16)
    roi_head = model.roi_head
    boxes = roi_head.bbox_head
    for head in boxes if isinstance(boxes, list) else [boxes]:
        head.update(in_channels=16, fc_out_channels=32)
    for key in ('bbox_roi_extractor', 'mask_roi_extractor'):
        if key in roi_head:
            roi_head[key].out_channels = 16
    if 'mask_head' in roi_head:
        roi_head.mask_head.update(
            in_channels=16, conv_out_channels=16, num_convs=1)
    model.test_cfg.rpn.max_per_img = 20
    model.test_cfg.rcnn.update(score_thr=0., max_per_img=5)
    return model


def nano_retinanet(**neck):
    """The config of a RetinaNet likewise, its neck changed."""
    model = get_config('mmdet::_base_/models/retinanet_r50_fpn.py').model
    model.backbone = nano('faster-rcnn').backbone
    model.neck.update(in_channels=[16, 32, 64, 128], out_channels=16, **neck)
    model.bbox_head.update(
        in_channels=16, feat_channels=16, stacked_convs=2, num_classes=7)
    model.test_cfg.update(score_thr=0., max_per_img=5)
    return model


def runner_with_norms(model):
    """What the hook needs of a runner, BatchNorms with statistics of their
    own."""
    runner = runner_of(model)
    for module in runner.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-.2, .2)
            module.running_var.uniform_(.5, 2.)
    return runner
