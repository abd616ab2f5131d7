"""Steps of a detector that have no integer form are refused by name."""
import pytest
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from iptq_mm.models.detectors.program.steps import check_steps

from rcnn import nano


@pytest.fixture(autouse=True)
def default_scope():
    init_default_scope('mmdet')


REFUSED = {
    'test_cfg.rcnn.nms=.*soft_nms': lambda model: model.test_cfg.rcnn.update(
        nms=dict(type='soft_nms', iou_threshold=0.5)),
    'test_cfg.rpn.nms=.*class_agnostic': lambda model: model.test_cfg.rpn.nms.
    update(class_agnostic=True),
    'iou_threshold=0.123456789': lambda model: model.test_cfg.rcnn.nms.update(
        iou_threshold=0.123456789),
    'mask_thr_binary=-1': lambda model: model.test_cfg.rcnn.update(
        mask_thr_binary=-1),
    'bbox_coder of the rpn_head, TBLRBBoxCoder': lambda model: model.rpn_head.
    update(bbox_coder=dict(type='TBLRBBoxCoder')),
    'bbox_coder of the bbox_head': lambda model: model.roi_head.bbox_head.
    bbox_coder.update(clip_border=False),
    'the rpn_head with Softmax': lambda model: model.rpn_head.loss_cls.update(
        use_sigmoid=False),
    'the rpn_head with LegacyAnchorGenerator': lambda model: model.rpn_head.
    anchor_generator.update(type='LegacyAnchorGenerator'),
    'a bbox_head with CrossEntropyLoss, not Softmax': lambda model: model.
    roi_head.bbox_head.loss_cls.update(use_sigmoid=True),
    'a roi_layer RoIAlign.*pool_mode=max': lambda model: model.roi_head.
    bbox_roi_extractor.roi_layer.update(pool_mode='max'),
    'a GenericRoIExtractor': lambda model: model.roi_head.mask_roi_extractor.
    update(type='GenericRoIExtractor'),
    'a roi_head of type DoubleHeadRoIHead': lambda model: model.roi_head.
    update(type='DoubleHeadRoIHead', reg_roi_scale_factor=1.3),
}


@pytest.mark.parametrize('says', REFUSED)
def test_a_step_without_integer_form_is_refused(says):
    model = nano('mask-rcnn')
    REFUSED[says](model)
    with pytest.raises(TypeError, match=f'{says}.* has no integer form$'):
        check_steps(MODELS.build(model))


@pytest.mark.parametrize('name', ['faster-rcnn', 'mask-rcnn',
                                  'cascade-mask-rcnn'])
def test_mmdets_own_are_not_refused(name):
    check_steps(MODELS.build(nano(name)))
