# Trains the bundled shapes detector with mmdet's stock tools/train.py.
_base_ = [
    '../_base_/models/mask-rcnn_swin-nano_fpn.py',
    '../_base_/datasets/shapes_instance.py',
    '../_base_/schedules/adamw_cosine.py',
    'mmdet::_base_/default_runtime.py',
]

# Edges and blobs are known from the nuclei: from scratch the first thousand
# iterations go by before any class is told from another.
load_from = ('{{ fileDirname }}/../../iptq_mm/assets/'
             'mask-rcnn_swin-nano_nuclei.pth')

max_epochs = 8
warmup_iters = 60
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.01, by_epoch=False, begin=0,
        end=warmup_iters),
    dict(
        type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, begin=0,
        end=max_epochs, convert_to_iter_based=True)
]

model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes=7), mask_head=dict(num_classes=7)),
    train_cfg=dict(rcnn=dict(sampler=dict(num=128))))

default_hooks = dict(
    checkpoint=dict(interval=1, max_keep_ckpts=2, save_best='coco/segm_mAP'),
    logger=dict(interval=50))
randomness = dict(seed=0)
