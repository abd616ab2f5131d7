# Learns from the teacher that configs/train/resnet9_cifar10.py trains.
teacher = 'work_dirs/resnet9_cifar10/epoch_12.pth'

custom_hooks = [
    dict(
        type='iptq_mm.TeacherHook',
        checkpoint=teacher,
        model=dict(
            type='iptq_mm.TimmClassifier',
            name='vit_tiny_patch16_224',
            backbone=dict(type='iptq_mm.ResNet9', width=24, num_classes=10)))
]
