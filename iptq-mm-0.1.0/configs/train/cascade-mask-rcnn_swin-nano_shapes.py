# Trains the bundled Cascade detector of shapes with mmdet's stock
# tools/train.py. The heads of the bundled one started as copies of the Mask
# R-CNN's (see iptq_mm/assets/README.md).
_base_ = [
    '../_base_/models/cascade-mask-rcnn_swin-nano_fpn.py',
    '../_base_/datasets/shapes_instance.py',
    '../_base_/schedules/adamw_cosine.py',
    'mmdet::_base_/default_runtime.py',
]

load_from = ('{{ fileDirname }}/../../iptq_mm/assets/'
             'mask-rcnn_swin-nano_shapes.pth')

model = dict(
    roi_head=dict(
        bbox_head=[dict(head, num_classes=7) for head in _base_.heads],
        mask_head=dict(num_classes=7)))

max_epochs = 1
warmup_iters = 20
optim_wrapper = dict(optimizer=dict(lr=2e-4))
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.01, by_epoch=False, begin=0,
        end=warmup_iters),
    dict(
        type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, begin=0,
        end=max_epochs, convert_to_iter_based=True)
]

default_hooks = dict(
    checkpoint=dict(interval=1, max_keep_ckpts=2, save_best='coco/segm_mAP'),
    logger=dict(interval=30))
randomness = dict(seed=0)
