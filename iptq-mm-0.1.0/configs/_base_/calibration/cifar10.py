# Calibration of a classifier at 32 x 32 on images that it was trained on.
custom_hooks = [
    dict(
        type='iptq_mm.PTQHook',
        num_batches=32,
        calib_dataloader=dict(
            batch_size=1,
            num_workers=1,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(
                type='iptq_mm.TimmImageDataset',
                data_root='{{$IPTQ_DATA:data}}/cifar10/train.tar',
                name='vit_tiny_patch16_224',
                input_size=32,
                crop_pct=1.)))
]
