import pytest

from iptq_mm.engine.diagnosis.remedies import REMEDIES, falls
from iptq_mm.engine.inputs.settings import checked


def left(**hook):
    return [remedy.option.removeprefix('custom_hooks.0.')
            for remedy in REMEDIES if remedy.changes(hook)]


@pytest.mark.parametrize('hook, options', [
    (dict(), ['observer.type=min_max']),
    (dict(equalize=False), ['equalize=True', 'observer.type=min_max']),
    (dict(observer=dict(type='min_max', headroom=1.1)),
     ['observer.type=mse', 'observer.type=min_max']),
    (dict(rounding='nearest', bits=dict(weight=4)),
     ['observer.type=min_max', 'rounding=gptq', 'bits.weight=8']),
])
def test_what_the_hook_does_not_have_yet(hook, options):
    assert left(**hook) == options


@pytest.mark.parametrize('remedy', REMEDIES, ids=lambda x: x.option)
def test_the_hook_knows_its_settings(remedy):
    checked(dict(remedy.settings))


def test_where_the_sqnr_falls_most():
    sqnr_db = dict(patch_embed=50., a=48., b=30., c=29., out0=29.)
    assert falls(sqnr_db) == ('b', 18.)
    assert falls(dict(patch_embed=50., out0=50.)) == ('patch_embed', 0.)
