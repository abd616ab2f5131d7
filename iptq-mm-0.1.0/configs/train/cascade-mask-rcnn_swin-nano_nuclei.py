# Trains the bundled Cascade detector of nuclei with mmdet's stock
# tools/train.py, from the bundled Mask R-CNN: only its heads are new.
_base_ = [
    '../_base_/models/cascade-mask-rcnn_swin-nano_fpn.py',
    '../_base_/datasets/nuclei_instance.py',
    '../_base_/schedules/adamw_cosine.py',
    'mmdet::_base_/default_runtime.py',
]

load_from = ('{{ fileDirname }}/../../iptq_mm/assets/'
             'mask-rcnn_swin-nano_nuclei.pth')

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[3])),
    roi_head=dict(
        bbox_head=[dict(head, num_classes=1) for head in _base_.heads],
        mask_head=dict(num_classes=1)))

max_epochs = 8
warmup_iters = 60
train_cfg = dict(max_epochs=max_epochs, val_interval=4)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.01, by_epoch=False, begin=0,
        end=warmup_iters),
    dict(
        type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, begin=0,
        end=max_epochs, convert_to_iter_based=True)
]

default_hooks = dict(
    checkpoint=dict(interval=2, max_keep_ckpts=2, save_best='coco/segm_mAP'),
    logger=dict(interval=30))
randomness = dict(seed=0)
