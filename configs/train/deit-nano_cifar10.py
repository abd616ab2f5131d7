# Trains the bundled DeiT with class and distillation token with mmdet's stock
# tools/train.py: the ViT beside it, and a second token.
_base_ = ['vit-nano_cifar10.py']

model = dict(name='deit_tiny_distilled_patch16_224')
