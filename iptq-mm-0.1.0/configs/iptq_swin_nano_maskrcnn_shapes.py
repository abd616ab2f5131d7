# Integer Swin-nano Mask R-CNN on generated images: needs no file that is not
# bundled.
_base_ = ['train/mask-rcnn_swin-nano_shapes.py']

load_from = ('{{ fileDirname }}/../iptq_mm/assets/'
             'mask-rcnn_swin-nano_shapes.pth')

custom_hooks = [
    dict(
        type='iptq_mm.PTQHook',
        num_batches=32,
        calib_dataloader={{_base_.calib_dataloader}})
]
