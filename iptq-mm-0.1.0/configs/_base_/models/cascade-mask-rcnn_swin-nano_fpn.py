# The Mask R-CNN beside it with three heads in a row, each trained on boxes
# that overlap more. Leaf configs say how many classes there are: `bbox_head`
# is `heads`, each with its `num_classes`, as has `mask_head`.
_base_ = ['mask-rcnn_swin-nano_fpn.py']

channels = 40
overlaps = [0.5, 0.6, 0.7]
target_stds = [[0.1, 0.1, 0.2, 0.2], [0.05, 0.05, 0.1, 0.1],
               [0.033, 0.033, 0.067, 0.067]]
heads = [
    dict(
        type='ConvFCBBoxHead',
        num_shared_fcs=1,
        in_channels=channels,
        fc_out_channels=64,
        roi_feat_size=7,
        reg_class_agnostic=True,
        bbox_coder=dict(
            type='DeltaXYWHBBoxCoder',
            target_means=[0., 0., 0., 0.],
            target_stds=stds),
        loss_cls=dict(
            type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
        loss_bbox=dict(type='L1Loss', loss_weight=1.0))
    for stds in target_stds
]

model = dict(
    type='CascadeRCNN',
    roi_head=dict(
        type='CascadeRoIHead',
        num_stages=3,
        stage_loss_weights=[1, 0.5, 0.25],
        mask_head=dict(
            num_convs=3,
            in_channels=channels,
            conv_out_channels=channels,
            class_agnostic=True)),
    train_cfg=dict(
        rcnn=[
            dict(
                assigner=dict(
                    type='MaxIoUAssigner',
                    pos_iou_thr=overlap,
                    neg_iou_thr=overlap,
                    min_pos_iou=overlap,
                    match_low_quality=False,
                    ignore_iof_thr=-1),
                sampler=dict(
                    type='RandomSampler',
                    num=256,
                    pos_fraction=0.25,
                    neg_pos_ub=-1,
                    add_gt_as_proposals=True),
                mask_size=28,
                pos_weight=-1,
                debug=False) for overlap in overlaps
        ]))
