# Integer ViT on CIFAR-10, trained here; the float checkpoint is bundled.
_base_ = [
    '_base_/models/vit-nano_classifier.py',
    '_base_/datasets/cifar10_32px.py', '_base_/calibration/cifar10.py'
]

load_from = '{{ fileDirname }}/../iptq_mm/assets/vit-nano_cifar10.pth'
