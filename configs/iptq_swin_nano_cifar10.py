# Integer Swin on CIFAR-10, trained here; the float checkpoint is bundled.
_base_ = ['train/swin-nano_cifar10.py', '_base_/calibration/cifar10.py']

load_from = '{{ fileDirname }}/../iptq_mm/assets/swin-nano_cifar10.pth'
test_dataloader = dict(batch_size=50)
