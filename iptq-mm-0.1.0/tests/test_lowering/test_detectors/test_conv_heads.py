"""FPN and heads of the R-CNN family: float and integer twins."""
import copy

import pytest
import torch
from mmdet.models.necks import FPN
from mmdet.registry import MODELS
from mmengine.config import ConfigDict

from iptq_mm.guard import integer_only_regions
from iptq_mm.lowering import lowering_of
from iptq_mm.lowering.rounding.rounding import nearest_everywhere
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS

from quantized import min_max_thresholds, sqnr_db

CODER = dict(
    type='DeltaXYWHBBoxCoder', target_means=[0.] * 4, target_stds=[1.] * 4)
RPN = dict(
    in_channels=8, feat_channels=8, bbox_coder=CODER,
    anchor_generator=dict(
        type='AnchorGenerator', scales=[8], ratios=[.5, 1., 2.],
        strides=[4, 8]),
    test_cfg=ConfigDict())
BOX = dict(
    in_channels=8, fc_out_channels=16, roi_feat_size=7, num_classes=3,
    bbox_coder=CODER)
GROUPS = dict(type='GN', num_groups=4)
HEADS = [
    ('RPNHead', 'IntRPNHead', RPN, [(2, 8, 9, 11), (2, 8, 5, 6)]),
    ('RPNHead', 'IntRPNHead', {**RPN, 'num_convs': 2}, [(1, 8, 9, 11)]),
    ('ConvFCBBoxHead', 'IntConvFCBBoxHead', {**BOX, 'num_shared_fcs': 2},
     [(5, 8, 7, 7)]),
    ('ConvFCBBoxHead', 'IntConvFCBBoxHead', {
        **BOX, 'num_shared_convs': 1, 'num_cls_convs': 1, 'num_cls_fcs': 1,
        'num_reg_convs': 1, 'conv_out_channels': 8
    }, [(5, 8, 7, 7)]),
    ('ConvFCBBoxHead', 'IntConvFCBBoxHead', {
        **BOX, 'num_shared_fcs': 1, 'num_cls_fcs': 2, 'with_reg': False
    }, [(5, 8, 7, 7)]),
    ('FCNMaskHead', 'IntFCNMaskHead',
     dict(num_convs=2, in_channels=8, conv_out_channels=8, num_classes=3),
     [(4, 8, 14, 14)]),
    ('FCNMaskHead', 'IntFCNMaskHead',
     dict(num_convs=0, in_channels=8, conv_out_channels=8, num_classes=3,
          class_agnostic=True, upsample_cfg=dict(type=None)),
     [(4, 8, 14, 14)]),
]
PYRAMIDS = [
    (dict(in_channels=[4, 6, 8], out_channels=8, num_outs=5), 3),
    (dict(in_channels=[4, 6, 8], out_channels=8, num_outs=2, start_level=1),
     3),
    (dict(in_channels=[4, 6, 8], out_channels=8, num_outs=2, end_level=1), 3),
    *((dict(in_channels=[4, 6, 8], out_channels=10, num_outs=4, start_level=1,
            add_extra_convs=source, relu_before_extra_convs=relu), 3)
      for source in (True, 'on_input', 'on_lateral', 'on_output')
      for relu in (False, True)),
    (dict(in_channels=[4, 6, 8], out_channels=8, num_outs=3,
          add_extra_convs='on_output'), 3),
]


def lively(module, seed=0):
    torch.manual_seed(seed)
    for parameter in module.parameters():
        fan_in = parameter[0].numel()
        torch.nn.init.normal_(parameter, std=fan_in**-0.5)
    return module.eval()


def levels(features):
    return [torch.randn(shape) for shape in features]


def call(module, features):
    """Flat list of outputs; one call of the layers for each level."""
    with torch.no_grad():
        if isinstance(module, FPN):
            return list(module(features))
        if hasattr(module, 'forward_single'):
            return [y for x in features for y in module.forward_single(x)]
        y = module(features[0])
    return [y] if torch.is_tensor(y) else [part for part in y
                                           if part is not None]


def lowered(module, features):
    lowering = lowering_of(module, DEFAULT_BITS)
    thresholds = min_max_thresholds(
        module, lowering.sites(), features, call)
    return lowering.lower(thresholds, {}, nearest_everywhere)


def twins(float_type, int_type, config, features):
    source = lively(
        MODELS.build(dict(type=float_type, **copy.deepcopy(config))))
    twin = MODELS.build(
        dict(type=f'iptq_mm.{int_type}', **copy.deepcopy(config))).eval()
    twin.layers.load_state_dict(lowered(source, features).state_dict())
    return source, twin


def check(source, twin, features, sqnr):
    expected, outputs = call(source, features), call(twin, features)
    assert [y.shape for y in outputs] == [y.shape for y in expected]
    assert min(map(sqnr_db, expected, outputs)) > sqnr
    with integer_only_regions(twin) as regions:
        assert regions == ['layers.body']
        guarded = call(twin, features)
    assert all(map(torch.equal, outputs, guarded))
    assert not any(t.is_floating_point() for t in twin.state_dict().values())


@pytest.mark.parametrize('float_type, int_type, config, shapes', HEADS)
def test_head(float_type, int_type, config, shapes):
    torch.manual_seed(1)
    features = levels(shapes)
    check(*twins(float_type, int_type, config, features), features, 30)


@pytest.mark.parametrize('config, inputs', PYRAMIDS)
@pytest.mark.parametrize('size', [(32, 24), (31, 21)])
def test_pyramid(config, inputs, size):
    torch.manual_seed(1)
    features = []
    for channels in config['in_channels']:
        features.append(torch.randn(2, channels, *size))
        size = tuple(-(-side // 2) for side in size)
    check(*twins('FPN', 'IntFPN', config, features), features, 30)


def test_no_box_at_all():
    *names, shapes = HEADS[2]
    _, twin = twins(*names, levels(shapes))
    scores, boxes = twin(torch.zeros(0, 8, 7, 7))
    assert scores.shape == (0, 4) and boxes.shape == (0, 12)


@pytest.mark.parametrize('float_type, config, says', [
    ('FCNMaskHead', dict(in_channels=8, upsample_cfg=dict(
        type='bilinear', scale_factor=2)), 'bilinear'),
    ('FCNMaskHead', dict(in_channels=8, norm_cfg=GROUPS),
     r'convs\.0 is ConvModule'),
    ('ConvFCBBoxHead', {**BOX, 'num_shared_fcs': 1, 'with_avg_pool': True},
     'with_avg_pool=True'),
    ('ConvFCBBoxHead', {
        **BOX, 'num_shared_fcs': 1, 'cls_predictor_cfg': dict(
            type='NormedLinear')
    }, 'fc_cls is NormedLinear'),
    ('FPN', {**PYRAMIDS[0][0], 'norm_cfg': GROUPS}, 'plain FPN'),
    ('FPN', {**PYRAMIDS[0][0], 'upsample_cfg': dict(mode='bilinear')},
     'plain FPN'),
])
def test_what_has_no_integer_form_is_refused(float_type, config, says):
    head = MODELS.build(dict(type=float_type, **config))
    with pytest.raises(TypeError, match=says):
        lowering_of(head, DEFAULT_BITS)


@pytest.mark.parametrize('config, says', [
    (dict(type='PAFPN', **PYRAMIDS[0][0]), 'only FPN itself'),
    (dict(type='DynamicMaskHead', in_channels=8), 'only FCNMaskHead itself'),
])
def test_a_subclass_is_refused(config, says):
    """It computes something else."""
    module = MODELS.build(config)
    with pytest.raises(TypeError, match=says):
        lowering_of(module, DEFAULT_BITS)
