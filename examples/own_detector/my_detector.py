# A float detector as you have one: mmdet's config of a Mask R-CNN with a small
# Swin, on a folder in COCO's format. Nothing here knows of integers.
_base_ = [
    '../../configs/_base_/models/mask-rcnn_swin-nano_fpn.py',
    'mmdet::_base_/default_runtime.py'
]

classes = ('ellipse', 'rectangle', 'triangle', 'star', 'ring', 'cross',
           'crescent')
data_root = 'data/shapes/'

model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes=len(classes)),
        mask_head=dict(num_classes=len(classes))))

test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(288, 288), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape',
                   'scale_factor'))
]
test_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CocoDataset',
        data_root=data_root,
        ann_file='annotations/val.json',
        data_prefix=dict(img='val/'),
        metainfo=dict(classes=classes),
        test_mode=True,
        pipeline=test_pipeline))
test_evaluator = dict(
    type='CocoMetric',
    ann_file=data_root + 'annotations/val.json',
    metric=['bbox', 'segm'])
test_cfg = dict(type='TestLoop')
