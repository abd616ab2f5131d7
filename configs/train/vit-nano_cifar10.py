# Trains the bundled ViT with a class token with mmdet's stock tools/train.py.
_base_ = ['../_base_/schedules/cifar10_from_scratch.py']

model = dict(
    type='iptq_mm.TimmClassifier',
    name='vit_tiny_patch16_224',
    label_smoothing=0.1,
    options=dict(
        img_size=32,
        patch_size=4,
        num_classes=10,
        embed_dim=128,
        depth=8,
        num_heads=4))
