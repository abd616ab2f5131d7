# Integer DeiT-B/16 on ImageNet, from timm's float weights.
# A file of them: --cfg-options model.pretrained=FILE.
_base_ = ['../_base_/datasets/imagenet.py']

model = dict(name='deit_base_patch16_224')
