# Trains the bundled ViT with mmdet's stock tools/train.py.
_base_ = [
    '../_base_/models/vit-nano_classifier.py',
    '../_base_/schedules/cifar10.py', '../_base_/schedules/distilled.py'
]
