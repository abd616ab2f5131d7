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

target_stds = [[0.1, 0.1, 0.2, 0.2], [0.05, 0.05, 0.1, 0.1],
               [0.033, 0.033, 0.067, 0.067]]
model = dict(
    roi_head=dict(
        bbox_head=[
            dict(
                type='ConvFCBBoxHead',
                num_shared_fcs=1,
                in_channels=40,
                fc_out_channels=64,
                roi_feat_size=7,
                num_classes=7,
                reg_class_agnostic=True,
                bbox_coder=dict(
                    type='DeltaXYWHBBoxCoder',
                    target_means=[0., 0., 0., 0.],
                    target_stds=stds),
                loss_cls=dict(
                    type='CrossEntropyLoss',
                    use_sigmoid=False,
                    loss_weight=1.0),
                loss_bbox=dict(type='L1Loss', loss_weight=1.0))
            for stds in target_stds
        ],
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
