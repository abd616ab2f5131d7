# Trains the teacher of the bundled classifiers with mmdet's stock
# tools/train.py. Its weights are not bundled.
_base_ = ['../_base_/schedules/cifar10.py']

max_epochs = 12

model = dict(
    type='iptq_mm.TimmClassifier',
    name={{_base_.name}},  # whose mean and standard deviation it takes
    label_smoothing=0.1,
    backbone=dict(type='iptq_mm.ResNet9', width=24, num_classes=10))

train_cfg = dict(max_epochs=max_epochs, val_interval=4)
optim_wrapper = dict(optimizer=dict(lr=4e-3))
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.01, by_epoch=True, begin=0, end=2,
        convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, begin=0,
        end=max_epochs, convert_to_iter_based=True)
]
default_hooks = dict(checkpoint=dict(interval=4))
