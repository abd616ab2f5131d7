# Trains the bundled classifier of shapes with mmdet's stock tools/train.py.
_base_ = ['../_base_/datasets/single_shapes.py']

model = dict(
    type='iptq_mm.TimmClassifier',
    name='vit_tiny_patch16_224',
    options=dict(
        img_size=64,
        patch_size=16,
        num_classes=7,
        embed_dim=64,
        depth=4,
        num_heads=2))

max_epochs = 6
train_cfg = dict(
    type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=3)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=1, norm_type=2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=40),
    dict(
        type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, begin=0,
        end=max_epochs, convert_to_iter_based=True)
]
default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', interval=3, max_keep_ckpts=1),
    logger=dict(type='LoggerHook', interval=20))
randomness = dict(seed=0)
