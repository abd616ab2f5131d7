# Integer Swin-nano Cascade Mask R-CNN on generated images: needs no file that
# is not bundled.
_base_ = ['train/cascade-mask-rcnn_swin-nano_shapes.py']
custom_imports = dict(imports=['iptq_mm'], allow_failed_imports=False)

load_from = ('{{ fileDirname }}/../iptq_mm/assets/'
             'cascade-mask-rcnn_swin-nano_shapes.pth')

custom_hooks = [
    dict(
        type='iptq_mm.PTQHook',
        num_batches=32,
        calib_dataloader={{_base_.calib_dataloader}})
]
