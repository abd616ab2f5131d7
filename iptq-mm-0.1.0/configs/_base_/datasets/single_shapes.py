# Generated images of one shape each: 4000 for training and 700 for validation,
# which share no seed. There is no folder to set.
default_scope = 'mmengine'
custom_imports = dict(imports=['iptq_mm'], allow_failed_imports=False)

train_dataloader = dict(
    batch_size=100,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='iptq_mm.SingleShapesDataset', split='train', num_images=4000))
val_dataloader = dict(
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='iptq_mm.SingleShapesDataset', split='val', num_images=700))
test_dataloader = val_dataloader
calib_dataloader = dict(  # for a PTQHook
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(train_dataloader['dataset']))

val_evaluator = dict(type='iptq_mm.TopAccuracy')
test_evaluator = val_evaluator
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
