# Integer Swin-B Cascade Mask R-CNN on COCO, from Microsoft's float checkpoint.
# For a detector of your own with windows of 12 x 12 tokens give its checkpoint
# and --cfg-options model.backbone.window_size=12.
_base_ = ['iptq_swin_t_cascade_maskrcnn.py']

model = dict(
    backbone=dict(
        embed_dims=128, depths=[2, 2, 18, 2], num_heads=[4, 8, 16, 32]),
    neck=dict(in_channels=[128, 256, 512, 1024]))
load_from = 'https://github.com/SwinTransformer/storage/releases/download/v1.0.2/cascade_mask_rcnn_swin_base_patch4_window7.pth'  # noqa: E501
