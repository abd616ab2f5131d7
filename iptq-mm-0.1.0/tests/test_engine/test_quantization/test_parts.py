"""R-CNNs that are integer-only from the pixels to the heads' outputs."""
import copy
from functools import partial

import pytest
import torch
from mmdet.registry import MODELS

from iptq_mm.assignment import AssignmentPolicy
from iptq_mm.engine.artifact.int_model import part_weights
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.quantization.calibrate import Calibration
from iptq_mm.engine.quantization.parts import quantize_parts
from iptq_mm.engine.quantization.select import Selection
from iptq_mm.engine.report.float_parts import float_parts
from iptq_mm.engine.report.verify import detections, verify_integer
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS

from detectors import SeededImages, batches, hook_on, runner_of
from quantized import sqnr_db
from rcnn import nano, nano_retinanet, runner_with_norms

PARTS = {
    'retinanet': [],
    'faster-rcnn': ['roi_head.bbox_head'],
    'mask-rcnn': ['roi_head.bbox_head', 'roi_head.mask_head'],
    'cascade-mask-rcnn': [
        f'roi_head.{kind}_head.{i}' for kind in ('bbox', 'mask')
        for i in range(3)
    ]
}


def nano_with_norms():
    """As Microsoft's cascade: box heads of four convolutions with BatchNorm,
    boxes decoded before their loss; and BatchNorm in neck and mask heads."""
    model = nano('cascade-mask-rcnn')
    norm = dict(type='BN')
    model.neck.norm_cfg = norm
    model.roi_head.mask_head.norm_cfg = norm
    for head in model.roi_head.bbox_head:
        head.update(
            type='ConvFCBBoxHead', num_shared_convs=4, num_shared_fcs=1,
            conv_out_channels=16, norm_cfg=norm, reg_decoded_bbox=True)
        head.loss_bbox = dict(type='GIoULoss')
    return model


@pytest.mark.parametrize('name, config', [
    *((name, nano(name)) for name in PARTS if 'rcnn' in name),
    ('cascade-mask-rcnn', nano_with_norms()),
    ('retinanet', nano_retinanet()),
    ('retinanet', nano_retinanet(
        add_extra_convs='on_output', relu_before_extra_convs=True,
        norm_cfg=dict(type='BN')))
])
@torch.no_grad()
def test_integers_all_the_way(name, config):
    images = SeededImages()
    runner = runner_with_norms(config)
    model = runner.model
    batch = next(batches(images))
    x = model.data_preprocessor(copy.deepcopy(batch), False)['inputs']
    features = model.extract_feat(x)
    dense = 'rpn_head' if hasattr(model, 'rpn_head') else 'bbox_head'
    expected = [*features, *getattr(model, dense)(features)[0]]

    hook = hook_on(images, scope='all', input='uint8')
    hook.before_test(runner)
    model = runner.model
    parts = ['backbone', 'neck', dense, *PARTS[name], 'score_softmax']
    assert hook.part_names == parts
    integers = part_weights(model.state_dict(), parts)
    assert integers and not any(
        tensor.is_floating_point() for tensor in integers.values())
    assert float_parts(model) == []

    x = model.data_preprocessor(copy.deepcopy(batch), False)['inputs']
    assert x.dtype == torch.uint8
    features = model.extract_feat(x)
    outputs = [*features, *getattr(model, dense)(features)[0]]
    found = list(map(sqnr_db, expected, outputs))
    assert min(found[:len(features)]) > 18
    # The levels share scales: the coarsest has a hundredth of the range.
    assert min(found) > 14

    regions = verify_integer(model, partial(detections, model),
                             batches(images))
    assert regions == ['backbone.quantize', 'backbone.body'] + [
        f'{part}.layers.body' for part in parts[1:-1]
    ] + ['program']

    rebuilt = MODELS.build(hook.model_config(runner.cfg.model)).eval()
    rebuilt.load_state_dict(model.state_dict())
    boxes = detections(model, batch)
    assert boxes[0].numel()
    assert all(map(torch.equal, boxes, detections(rebuilt, batch)))


def test_a_float_detector_is_float_throughout():
    model = runner_with_norms(nano('mask-rcnn')).model
    assert float_parts(model) == [
        'backbone', 'neck', 'rpn_head', 'roi_head.bbox_head',
        'roi_head.mask_head', 'image normalization', 'RoIAlign',
        'sigmoid or softmax of scores', 'box decoding', 'NMS', 'mask pasting'
    ]


def test_images_without_objects_are_refused_at_once():
    model = nano('mask-rcnn')
    model.test_cfg.rcnn.score_thr = 2.
    hook = hook_on(SeededImages(), scope='all')
    with pytest.raises(UserError, match='found 0 objects in the 2 calibration '
                       'images.*or use scope='):
        hook.quantize(runner_with_norms(model))
    assert hook.quantization is None  # the backbone was not calibrated


@pytest.mark.parametrize('config', [nano('mask-rcnn'), nano_retinanet()])
@torch.no_grad()
def test_random_weights_are_calibrated_on_their_best_boxes(config, capfd):
    config = copy.deepcopy(config)
    config.test_cfg.get('rcnn', config.test_cfg).score_thr = 2.
    runner = runner_with_norms(config)
    runner.cfg.load_from = None
    images = SeededImages()
    hook_on(images).before_test(runner)
    found = runner.model.test_step(next(batches(images)))[0].pred_instances
    assert len(found) == 0  # the rule of the config holds again
    assert 'whatever the score' in capfd.readouterr().out


def test_a_head_that_never_runs_is_named():
    """Where the float detector finds something, and the integer backbone
    leaves nothing to find."""
    config = nano('mask-rcnn')
    config.test_cfg.rcnn.score_thr = 2.
    model = runner_with_norms(config).model
    calibration = Calibration(
        list(batches(SeededImages())), 2, dict(type='mse'), 0,
        lambda *_: None)
    with pytest.raises(UserError, match='^roi_head.mask_head did not run on '):
        quantize_parts(model, calibration, Selection(AssignmentPolicy(),
                                                     'layer'),
                       DEFAULT_BITS, 'nearest')


def test_a_subclass_is_refused_in_one_sentence():
    model = nano('faster-rcnn')
    model.neck = dict(
        type='FPN_CARAFE', in_channels=[16, 32, 64, 128], out_channels=16,
        num_outs=5)
    with pytest.raises(UserError) as error:
        hook_on(SeededImages(), scope='all').quantize(
            runner_with_norms(model))
    assert str(error.value).startswith(
        "scope='all': neck is a FPN_CARAFE, which has no integer form; what ")
    assert str(error.value).count('FPN_CARAFE') == 1


@pytest.mark.parametrize('convert', [
    torch.nn.Module.half, torch.nn.Module.double,
    lambda model: model.to(torch.bfloat16)])
def test_another_precision_is_refused(convert):
    model = runner_with_norms(nano('faster-rcnn'))
    hook_on(SeededImages(), scope='all').before_test(model)
    with pytest.raises(TypeError, match='no precision to change'):
        convert(model.model)
    model.model.to('cpu').float()  # changes nothing


@torch.no_grad()
def test_autocast_changes_nothing():
    images = SeededImages()
    runner = runner_with_norms(nano('mask-rcnn'))
    hook_on(images, scope='all').before_test(runner)
    batch = next(batches(images))
    found = detections(runner.model, batch)
    with torch.autocast('cpu', torch.bfloat16):
        again = detections(runner.model, batch)
    assert found[0].numel() and all(map(torch.equal, found, again))


def test_a_neck_without_integer_form_is_refused_at_once():
    model = nano('faster-rcnn')
    model.neck.norm_cfg = dict(type='GN', num_groups=4)
    runner = runner_with_norms(model)
    runner.build_dataloader = None
    with pytest.raises(
            UserError, match="^scope='all': neck is a FPN with .* plain FPN"):
        hook_on(SeededImages(), scope='all').quantize(runner)


def test_a_head_without_integer_form_is_refused():
    model = nano_retinanet()
    model.type = 'FCOS'
    model.bbox_head = dict(type='FCOSHead', num_classes=2, in_channels=16)
    with pytest.raises(UserError, match="scope='all': bbox_head is a FCOSHead"
                       ".* Use scope='backbone'"):
        hook_on(SeededImages()).quantize(runner_of(model))


def test_a_detector_without_neck_is_refused():
    model = nano_retinanet()
    model.neck = None
    with pytest.raises(UserError, match="no neck: .*scope='backbone'"):
        hook_on(SeededImages()).quantize(runner_of(model))


def test_another_detector_of_known_parts_is_refused():
    """It may do something else with them."""
    model = nano_retinanet()
    model.type = 'ATSS'
    with pytest.raises(UserError, match="scope='all': a ATSS has no integer"):
        hook_on(SeededImages()).quantize(runner_of(model))


@pytest.mark.parametrize('wrong, says', [
    (dict(scope='neck'), "no scope 'neck'; there are: backbone, all"),
    (dict(input='float'), "no input 'float'; there are: normalized, uint8"),
])
def test_wrong_settings(wrong, says):
    with pytest.raises(UserError, match=says):
        hook_on(SeededImages(), **wrong)


def test_pixels_need_a_normalization_that_is_known():
    model = nano('faster-rcnn')
    model.data_preprocessor.type = 'mmdet.DetDataPreprocessor'
    runner = runner_with_norms(model)
    runner.model.data_preprocessor = torch.nn.Identity()
    with pytest.raises(UserError, match='data_preprocessor is a Identity'):
        hook_on(SeededImages(), input='uint8').quantize(runner)
