# The same detector, quantized after training: the float config and one hook.
_base_ = ['my_detector.py']

custom_imports = dict(imports=['iptq_mm'], allow_failed_imports=False)

custom_hooks = [
    dict(
        type='iptq_mm.PTQHook',
        num_batches=24,
        # Training images, read as the test images are.
        calib_dataloader=dict(
            batch_size=1,
            num_workers=1,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(
                type='CocoDataset',
                data_root='data/shapes/',
                ann_file='annotations/train.json',
                data_prefix=dict(img='train/'),
                metainfo=dict(classes={{_base_.classes}}),
                test_mode=True,
                pipeline={{_base_.test_pipeline}})))
]
