import pytest

from iptq_mm.engine.report.advice import advice


def report(**changes):
    return {
        **dict(bits=dict(weight=8, activation=8, residual=16),
               checkpoint='float.pth', integer_only=True,
               float={'coco/bbox_mAP': .4}, integer={'coco/bbox_mAP': .4},
               integer_parts=['backbone', 'neck'],
               sqnr_db=dict(patch_embed=10., out0=30.)), **changes}


def test_nothing_to_say_of_a_good_run():
    assert advice(report()) == []


@pytest.mark.parametrize('changes, seen, remedy', [
    (dict(integer={'coco/bbox_mAP': .38}), 'bbox_mAP fell from 0.4 to 0.38',
     'tools/diagnose.py'),
    (dict(float=dict(top1=76.), integer=dict(top1=75.)), 'top1 fell',
     'tools/diagnose.py'),
    (dict(checkpoint=None), 'weights are random', 'give a checkpoint'),
    (dict(sqnr_db=dict(out1=12.)), 'out1 of the backbone is only 12.0 dB',
     'min_max'),
    (dict(sqnr_db=dict(out1=12.),
          bits=dict(weight=8, activation=6, residual=16)), 'out1',
     'custom_hooks.0.bits.activation=8'),
    (dict(integer_parts=['backbone']), 'Only the backbone', "scope='all'"),
    (dict(integer_only=None), 'floating-point', '--verify-integer'),
])
def test_what_is_seen_has_a_remedy(changes, seen, remedy):
    one, = advice(report(**changes))
    assert seen in one.seen and remedy in one.remedy


def test_a_classifier_is_all_backbone():
    assert advice(report(integer_parts=['backbone'], float=dict(top1=76.),
                         integer=dict(top1=76.))) == []
