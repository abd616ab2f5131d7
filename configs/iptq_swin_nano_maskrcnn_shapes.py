# Integer Swin-nano Mask R-CNN on generated images: needs no file that is not
# bundled.
_base_ = ['train/mask-rcnn_swin-nano_shapes.py']

load_from = ('{{ fileDirname }}/../iptq_mm/assets/'
             'mask-rcnn_swin-nano_shapes.pth')

custom_hooks = [
    dict(
        type='iptq_mm.PTQHook',
        num_batches=32,
        calib_dataloader=dict(
            batch_size=1,
            num_workers=1,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(
                type='iptq_mm.ShapesDataset',
                split='train',
                num_images=1000,
                test_mode=True,
                pipeline={{_base_.test_pipeline}})))
]
