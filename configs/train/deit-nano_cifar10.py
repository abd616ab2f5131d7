# Trains the bundled DeiT with class and distillation token with mmdet's stock
# tools/train.py: the ViT beside it, and a second token. It starts from the
# ViT's weights (load_from, see iptq_mm/assets/README.md), hence the short
# schedule.
_base_ = ['vit-nano_cifar10.py']

max_epochs = 4

model = dict(name='deit_tiny_distilled_patch16_224')

train_cfg = dict(max_epochs=max_epochs, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.01, by_epoch=True, begin=0, end=1,
        convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, begin=0,
        end=max_epochs, convert_to_iter_based=True)
]
default_hooks = dict(checkpoint=dict(interval=2))
