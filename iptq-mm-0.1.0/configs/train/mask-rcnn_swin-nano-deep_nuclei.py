# Trains a detector of 18 blocks, in which errors add up, for the study of
# the functions. Started from the bundled detector of 10 blocks.
_base_ = ['mask-rcnn_swin-nano_nuclei.py']

load_from = ('{{ fileDirname }}/../../iptq_mm/assets/'
             'mask-rcnn_swin-nano_nuclei.pth')

model = dict(backbone=dict(depths=[2, 2, 12, 2]))

max_epochs = 8
warmup_iters = 60
optim_wrapper = dict(optimizer=dict(lr=4e-4))
train_cfg = dict(max_epochs=max_epochs, val_interval=4)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.01, by_epoch=False, begin=0,
        end=warmup_iters),
    dict(
        type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, begin=0,
        end=max_epochs, convert_to_iter_based=True)
]
