import pytest

from iptq_mm.engine.diagnosis.remedies import (
    REMEDIES,
    Trial,
    causes_in_trials,
    losses,
    remedies,
)
from iptq_mm.engine.inputs.settings import checked
from iptq_mm.engine.quantization.ptq_hook import PTQHook


def left(**hook):
    settings = PTQHook(calib_dataloader=dict(), **hook).settings
    return [remedy.option.removeprefix('custom_hooks.0.')
            for remedy in remedies(settings)]


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


def test_fewer_images_are_no_remedy():
    assert left(num_batches=64) == left()
    assert left(num_batches=4) == ['num_batches=32', *left()]


def test_where_the_sqnr_falls_most():
    sqnr_db = dict(patch_embed=50., a=48., b=30., c=29., out0=29.)
    assert list(losses(sqnr_db).items()) == [('b', 18.), ('a', 2.), ('c', 1.)]
    assert losses(dict(patch_embed=50., out0=50.)) == {}


def trial(option, db):
    remedy = next((one for one in REMEDIES if one.option.endswith(option)),
                  None)
    return Trial(remedy, dict(a=90., out0=db, out1=50.), 1.)


def test_causes_of_what_helps():
    trials = [trial('none', 20.), trial('gptq', 20.5), trial('min_max', 22.),
              trial('weight=8', 25.)]
    causes = causes_in_trials(trials, [])
    assert [cause.remedy.rpartition('.')[2] for cause in causes] == [
        'weight=8', 'type=min_max']
    assert causes_in_trials(trials, causes) == []
