# Integer Swin-nano Mask R-CNN on real microscopy images. The float checkpoint
# is bundled; the images are looked for in data/nuclei.
_base_ = ['train/mask-rcnn_swin-nano_nuclei.py']
custom_imports = dict(imports=['iptq_mm'], allow_failed_imports=False)

data_source = 'https://bbbc.broadinstitute.org/BBBC038, converted to COCO'

load_from = ('{{ fileDirname }}/../iptq_mm/assets/'
             'mask-rcnn_swin-nano_nuclei.pth')

custom_hooks = [
    dict(
        type='iptq_mm.PTQHook',
        num_batches=32,
        calib_dataloader=dict(
            batch_size=1,
            num_workers=1,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(
                type='CocoDataset',
                data_root={{_base_.data_root}},
                ann_file='annotations/instances_train.json',
                data_prefix=dict(img='train/'),
                metainfo={{_base_.metainfo}},
                test_mode=True,
                pipeline={{_base_.test_pipeline}})))
]
