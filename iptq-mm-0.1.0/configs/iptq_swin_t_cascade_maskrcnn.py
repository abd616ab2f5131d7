# Integer Swin-T Cascade Mask R-CNN on COCO, from Microsoft's float checkpoint.
# Another place of the images: --cfg-options data_root=FOLDER.
_base_ = [
    '_base_/models/cascade-mask-rcnn_swin-t_fpn.py',
    '_base_/calibration/coco.py',
    'mmdet::_base_/datasets/coco_instance.py',
    'mmdet::_base_/schedules/schedule_1x.py',
    'mmdet::_base_/default_runtime.py',
]

load_from = 'https://github.com/SwinTransformer/storage/releases/download/v1.0.2/cascade_mask_rcnn_swin_tiny_patch4_window7.pth'  # noqa: E501
