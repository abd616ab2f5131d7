# Integer Swin-T Mask R-CNN on COCO, from mmdet's official float checkpoint.
# Another place of the images: --cfg-options data_root=FOLDER.
_base_ = [
    'mmdet::swin/mask-rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco.py',
    '_base_/calibration/coco.py',
]

model = dict(backbone=dict(init_cfg=None))
load_from = 'https://download.openmmlab.com/mmdetection/v2.0/swin/mask_rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco/mask_rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco_20210906_131725-bacf6f7b.pth'  # noqa: E501
