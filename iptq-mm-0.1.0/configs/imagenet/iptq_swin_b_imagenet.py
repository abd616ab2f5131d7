# Integer Swin-B on ImageNet, from timm's float weights.
# A file of them: --cfg-options model.pretrained=FILE.
_base_ = ['../_base_/datasets/imagenet.py']

model = dict(name='swin_base_patch4_window7_224')
