# AdamW: linear warm-up, then a cosine to zero. Images are cropped and
# mirrored; `name` says how they are interpolated. Leaf configs give the model.
_base_ = ['../datasets/cifar10_32px.py']

max_epochs = 30
warmup_epochs = 2

train_dataloader = dict(
    batch_size=128,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='iptq_mm.TimmImageDataset',
        data_root={{_base_.train_root}},
        name={{_base_.name}},
        input_size=32,
        augment=dict(scale=(0.5, 1.), ratio=(0.8, 1.25), color_jitter=None)))
train_cfg = dict(
    type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=3)

val_dataloader = dict(
    batch_size=100,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='iptq_mm.TimmImageDataset',
        data_root={{_base_.val_root}},
        name={{_base_.name}},
        input_size=32,
        crop_pct=1.))
val_cfg = dict(type='ValLoop')
val_evaluator = dict(type='iptq_mm.TopAccuracy')

optim_wrapper = dict(
    type='iptq_mm.BFloat16OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.999),
                   weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.,
        bias_decay_mult=0.,
        custom_keys={
            key: dict(decay_mult=0.)
            for key in ('pos_embed', 'cls_token', 'dist_token',
                         'relative_position_bias_table')
        }),
    clip_grad=dict(max_norm=1, norm_type=2))
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.01, by_epoch=True, begin=0,
        end=warmup_epochs, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, begin=0,
        end=max_epochs, convert_to_iter_based=True)
]
default_hooks = dict(
    checkpoint=dict(
        type='CheckpointHook', interval=3, max_keep_ckpts=2,
        save_best='top1', rule='greater'),
    logger=dict(type='LoggerHook', interval=50))
randomness = dict(seed=0)
