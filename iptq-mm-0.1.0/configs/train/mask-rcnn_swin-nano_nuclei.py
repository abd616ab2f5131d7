# Trains the bundled nuclei detector with mmdet's stock tools/train.py.
_base_ = [
    '../_base_/models/mask-rcnn_swin-nano_fpn.py',
    '../_base_/datasets/nuclei_instance.py',
    '../_base_/schedules/adamw_cosine.py',
    'mmdet::_base_/default_runtime.py',
]

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[3])),
    roi_head=dict(
        bbox_head=dict(num_classes=1), mask_head=dict(num_classes=1)))

default_hooks = dict(
    checkpoint=dict(interval=2, max_keep_ckpts=2, save_best='coco/segm_mAP'),
    logger=dict(interval=30))
randomness = dict(seed=0)
