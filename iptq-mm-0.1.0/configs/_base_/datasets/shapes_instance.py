# Generated shapes: 1000 training images and 100 for validation, which share
# no seed. There is no folder to set: the images are painted as they are read.
custom_imports = dict(imports=['iptq_mm'], allow_failed_imports=False)

train_pipeline = [
    dict(type='LoadImageFromNDArray'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomResize',
        scale=(288, 288),
        ratio_range=(0.75, 1.1),
        keep_ratio=True),
    dict(
        type='RandomCrop',
        crop_size=(256, 256),
        allow_negative_crop=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs')
]
test_pipeline = [
    dict(type='LoadImageFromNDArray'),
    dict(type='Resize', scale=(288, 288), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    # CocoMetric takes the ground truth from `instances`: there is no file.
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape',
                   'scale_factor', 'instances'))
]

train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='iptq_mm.ShapesDataset',
        split='train',
        num_images=1000,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='iptq_mm.ShapesDataset',
        split='val',
        num_images=100,
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader
calib_dataloader = dict(  # for a PTQHook
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(val_dataloader['dataset'], split='train', num_images=1000))

val_evaluator = dict(type='CocoMetric', metric=['bbox', 'segm'])
test_evaluator = val_evaluator
