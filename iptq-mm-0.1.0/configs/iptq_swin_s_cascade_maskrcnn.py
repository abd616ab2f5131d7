# Integer Swin-S Cascade Mask R-CNN on COCO, from Microsoft's float checkpoint.
_base_ = ['iptq_swin_t_cascade_maskrcnn.py']

model = dict(backbone=dict(depths=[2, 2, 18, 2]))
load_from = 'https://github.com/SwinTransformer/storage/releases/download/v1.0.2/cascade_mask_rcnn_swin_small_patch4_window7.pth'  # noqa: E501
