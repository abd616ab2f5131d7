# Integer Swin-T Mask R-CNN on COCO, from mmdet's official float checkpoint.
# Another place of the images: --cfg-options data_root=FOLDER.
_base_ = ['mmdet::swin/mask-rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco.py']
custom_imports = dict(imports=['iptq_mm'], allow_failed_imports=False)

data_source = 'https://cocodataset.org: train2017, val2017, annotations'

model = dict(backbone=dict(init_cfg=None))
load_from = 'https://download.openmmlab.com/mmdetection/v2.0/swin/mask_rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco/mask_rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco_20210906_131725-bacf6f7b.pth'  # noqa: E501

custom_hooks = [
    dict(
        type='iptq_mm.PTQHook',
        num_batches=32,
        calib_dataloader=dict(
            batch_size=1,
            num_workers=2,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(
                type={{_base_.dataset_type}},
                data_root={{_base_.data_root}},
                ann_file='annotations/instances_train2017.json',
                data_prefix=dict(img='train2017/'),
                test_mode=True,
                pipeline={{_base_.test_pipeline}})))
]
