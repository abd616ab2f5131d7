# Integer Swin-nano Mask R-CNN on real microscopy images. The float checkpoint
# is bundled; the images are looked for in data/nuclei.
_base_ = ['train/mask-rcnn_swin-nano_nuclei.py']
custom_imports = dict(imports=['iptq_mm'], allow_failed_imports=False)

load_from = ('{{ fileDirname }}/../iptq_mm/assets/'
             'mask-rcnn_swin-nano_nuclei.pth')

custom_hooks = [
    dict(
        type='iptq_mm.PTQHook',
        num_batches=32,
        calib_dataloader={{_base_.calib_dataloader}})
]
