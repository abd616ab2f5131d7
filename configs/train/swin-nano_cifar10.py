# Trains the bundled Swin classifier with mmdet's stock tools/train.py.
_base_ = ['../_base_/schedules/cifar10_from_scratch.py']

model = dict(
    type='iptq_mm.TimmClassifier',
    name='swin_tiny_patch4_window7_224',
    label_smoothing=0.1,
    options=dict(
        img_size=32,
        patch_size=2,
        num_classes=10,
        embed_dim=48,
        depths=(2, 4, 2),
        num_heads=(2, 4, 8),
        window_size=4,
        drop_path_rate=0.05))
