"""Detectors of mmdet, each with a nano Swin, whose backbone becomes integer.
"""
import pytest
import torch
from mmengine.config import Config

from iptq_mm.guard import integer_only_regions
from iptq_mm.models import IntSwinTransformer

from detectors import SeededImages, batches, hook_on, runner_of
from quantized import sqnr_db

NANO = dict(
    _delete_=True, type='SwinTransformer', embed_dims=16, depths=[2, 1, 1, 1],
    num_heads=[1, 2, 4, 8], window_size=4)
FPN = dict(in_channels=[16, 32, 64, 128])
FEW = dict(score_thr=0., max_per_img=5)
R_CNN = dict(neck=FPN, test_cfg=dict(rpn=dict(max_per_img=20), rcnn=FEW))
DETECTORS = dict(
    faster_rcnn=('_base_/models/faster-rcnn_r50_fpn.py', R_CNN),
    mask_rcnn=('_base_/models/mask-rcnn_r50_fpn.py', R_CNN),
    cascade_rcnn=('_base_/models/cascade-rcnn_r50_fpn.py', R_CNN),
    cascade_mask_rcnn=('_base_/models/cascade-mask-rcnn_r50_fpn.py', R_CNN),
    retinanet=('_base_/models/retinanet_r50_fpn.py',
               dict(backbone=dict(NANO, out_indices=(1, 2, 3)),
                    neck=dict(in_channels=[32, 64, 128], start_level=0),
                    test_cfg=FEW)),
    dino=('dino/dino-4scale_r50_8xb2-12e_coco.py',
          dict(backbone=dict(NANO, out_indices=(1, 2, 3)),
               neck=dict(in_channels=[32, 64, 128]),
               num_queries=20,
               encoder=dict(num_layers=1),
               decoder=dict(num_layers=2),
               test_cfg=dict(max_per_img=20))))


@pytest.fixture(params=DETECTORS)
def runner(request, tmp_path):
    base, changes = DETECTORS[request.param]
    path = tmp_path / 'config.py'
    path.write_text(f'_base_ = ["mmdet::{base}"]\n'
                    f'model = {dict(dict(backbone=NANO), **changes)}\n')
    return runner_of(Config.fromfile(path).model)


@torch.no_grad()
def test_every_detector_goes_through(runner):
    images = SeededImages()
    model, float_backbone = runner.model, runner.model.backbone
    before = [model.test_step(batch)[0] for batch in batches(images)]
    hook_on(images, scope='backbone').before_test(runner)
    assert isinstance(model.backbone, IntSwinTransformer)
    for batch, sample in zip(batches(images), before):
        with integer_only_regions(model):
            ours = model.test_step(batch)[0].pred_instances
        theirs = sample.pred_instances
        assert len(ours) and ours.keys() == theirs.keys()
        assert ours.bboxes.isfinite().all()
        x = model.data_preprocessor(batch, False)['inputs']
        assert min(map(sqnr_db, float_backbone(x), model.backbone(x))) > 20
